"""A real Ray cluster of two nodes with two processors each, in processes of its own. On one machine its nodes share disks."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}


@dataclass(frozen=True, slots=True)
class Nodes:
    """A cluster that runs. `address` is for those who connect."""

    address: str
    process: subprocess.Popen[str]

    def lose_one(self) -> None:
        """Kill the second node with all that runs on it; returns when it is dead."""
        self._do("kill")

    def add_one(self) -> None:
        """Put another node in its place."""
        self._do("add")

    def _do(self, what: str) -> None:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(what + "\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline().strip() == what


@contextmanager
def ray_cluster(environment: Mapping[str, str]) -> Iterator[Nodes]:
    """Nodes with these variables set; tasks that run there find them."""
    process = subprocess.Popen(
        [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        env={**os.environ, **QUIET, **environment},
    )  # fmt: skip
    with process:
        assert process.stdin and process.stdout
        try:
            yield Nodes(process.stdout.readline().strip(), process)
        finally:
            process.stdin.close()
            process.wait(60)


def main() -> None:
    """Start the nodes, say the address, do what the lines of standard input tell; its end ends the cluster."""
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what Ray prints isn't for who started us
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 2, "object_store_memory": 100 * 2**20}
    lost_after = {"health_check_period_ms": 1000, "health_check_failure_threshold": 5}  # Ray's own: half a minute
    head = {**node, "include_dashboard": False, "_system_config": lost_after}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    second = cluster.add_node(**node)
    cluster.wait_for_nodes()
    print(cluster.address, file=replies, flush=True)
    for line in sys.stdin:
        if line.strip() == "kill":
            cluster.remove_node(second, allow_graceful=False)
        else:
            second = cluster.add_node(**node)
        cluster.wait_for_nodes()
        print(line.strip(), file=replies, flush=True)
    cluster.shutdown()


if __name__ == "__main__":
    sys.path.remove(str(Path(__file__).parent))
    main()
