"""A real S3 server on loopback, with one bucket."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

BUCKET = "evalkit-tests"


@dataclass(frozen=True, slots=True)
class Store:
    """`environment`: the usual variables by which it is found."""

    endpoint: str

    @property
    def environment(self) -> dict[str, str]:
        return {"AWS_ENDPOINT_URL": self.endpoint, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test-secret-0123",
                "AWS_DEFAULT_REGION": "us-east-1"}  # fmt: skip

    def url(self, folder: str) -> str:
        return f"s3://{BUCKET}/{folder}"


@contextmanager
def s3_server() -> Iterator[Store]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        store = Store(f"http://{host}:{port}")
        urllib.request.urlopen(urllib.request.Request(f"{store.endpoint}/{BUCKET}", method="PUT"), timeout=10).close()
        yield store
    finally:
        server.stop()
