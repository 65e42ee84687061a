"""The same questions through other tools, against the same vendor (`make bench-peers`): those that are installed.

Nothing is installed for it: inspect-ai and lm-eval are looked for in this environment, promptfoo on the PATH.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from statistics import median

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from asking import CLIENT_CORE, EACH, MODELS, Bench, bench  # noqa: E402
from measured import Ran, machine, ran  # noqa: E402

ASKS, TIMES = 2_000, 3
LOCAL = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "OPENAI_API_KEY": "none", "HF_HUB_OFFLINE": "1"}

LITELLM = """
import asyncio, json, sys
import litellm
litellm.telemetry, litellm.suppress_debug_info = False, True
given = json.load(open(sys.argv[1]))
texts = [json.loads(line)["text"] for line in open(given["suite"])]
asks = ((model, text) for text in texts for model in given["models"])
async def worker():
    for model, text in asks:
        await litellm.acompletion(model="openai/" + model, api_base=given["base"], api_key="none", num_retries=0, max_retries=0,
            messages=[{"role": "system", "content": given["system"]}, {"role": "user", "content": text}], temperature=0, max_tokens=64)
async def main():
    await asyncio.gather(*(worker() for _ in range(given["in_flight"])))
asyncio.run(main())
"""

INSPECT = """
import json, sys
from inspect_ai import Task, eval
from inspect_ai.dataset import Sample
from inspect_ai.scorer import includes
from inspect_ai.solver import generate, system_message
given = json.load(open(sys.argv[1]))
rows = [json.loads(line) for line in open(given["suite"])]
samples = [Sample(input=row["text"], target=(row.get("gold") or ["I don't know"])[0]) for row in rows]
task = Task(dataset=samples, solver=[system_message(given["system"]), generate()], scorer=includes())
eval(task, model=["openai/" + model for model in given["models"]], model_base_url=given["base"], display="none", log_dir=sys.argv[2],
    max_connections=given["in_flight"] // len(given["models"]), max_samples=given["in_flight"], max_tasks=len(given["models"]),
    temperature=0, max_tokens=64)
"""

LM_EVAL_TASK = """
task: sums
dataset_path: json
dataset_kwargs: {data_files: {test: SUITE}}
test_split: test
output_type: generate_until
doc_to_text: "{{text}}"
doc_to_target: "0"
generation_kwargs: {until: [], max_gen_toks: 64, temperature: 0}
metric_list: [{metric: exact_match}]
"""


def script(at: Bench, text: str) -> Ran:
    path = at.folder / "peer.py"
    path.write_text(text)
    return ran([sys.executable, path, at.settings(ASKS), at.folder / "logs"], {**at.env, **LOCAL}, CLIENT_CORE)


def lm_eval(at: Bench) -> Ran:
    """One model after the other: it takes one at a time."""
    (at.folder / "sums.yaml").write_text(LM_EVAL_TASK.replace("SUITE", str(at.suite(ASKS))))
    commands = [
        f"{sys.executable} -m lm_eval --model local-chat-completions --apply_chat_template --tasks sums "
        f"--include_path {at.folder} --model_args model=model-{m},base_url={at.vendor.base}/chat/completions,"
        f"num_concurrent={MODELS * EACH},max_retries=1,tokenized_requests=False"
        for m in range(MODELS)
    ]
    return ran(["sh", "-c", " && ".join(commands)], {**at.env, **LOCAL}, CLIENT_CORE)


def promptfoo(at: Bench) -> Ran:
    rows = [json.loads(line) for line in at.suite(ASKS).read_text().splitlines()]
    system = json.loads(at.settings(ASKS).read_text())["system"]
    options = {"apiBaseUrl": at.vendor.base, "temperature": 0, "max_tokens": 64}
    prompt = json.dumps([{"role": "system", "content": system}, {"role": "user", "content": "{{text}}"}])
    config = {
        "prompts": [prompt],
        "providers": [{"id": f"openai:chat:model-{m}", "config": options} for m in range(MODELS)],
        "tests": [{"vars": {"text": row["text"]}} for row in rows],
    }
    path = at.folder / "promptfooconfig.json"
    path.write_text(json.dumps(config))
    quiet = {"PROMPTFOO_DISABLE_TELEMETRY": "1", "PROMPTFOO_DISABLE_UPDATE": "1", "PROMPTFOO_CONFIG_DIR": str(at.folder / "pf")}  # fmt: skip
    command = ["promptfoo", "eval", "-c", path, "-j", MODELS * EACH, "--no-cache", "--no-table", "--no-progress-bar"]
    return ran(command, {**at.env, **LOCAL, **quiet}, CLIENT_CORE, fine=(0, 100))  # 100: assertions failed


PEERS: dict[str, tuple[Callable[[], bool], Callable[[Bench], Ran]]] = {
    "raw aiohttp script": (lambda: True, lambda at: at.raw(ASKS)),
    "evalkit run": (lambda: True, lambda at: at.ours(ASKS)[0]),
    "litellm.acompletion script": (lambda: True, lambda at: script(at, LITELLM)),
    "inspect-ai": (lambda: find_spec("inspect_ai") is not None, lambda at: script(at, INSPECT)),
    "lm-eval": (lambda: find_spec("lm_eval") is not None, lm_eval),
    "promptfoo": (lambda: shutil.which("promptfoo") is not None, promptfoo),
}


def main() -> None:
    print(f"{ASKS:,} asks, 50 ms, {MODELS * EACH} in flight, start-up included, median of {TIMES}. {machine()}\n")
    print("| | requests/s | share of raw | CPU s | peak MiB | requests sent |\n|---|---|---|---|---|---|")
    limit = 0.0
    with bench(0.05) as at:
        at.ours(20)  # fills the cache
        for name, (there, ask) in PEERS.items():
            if not there():
                print(f"| {name} | not installed | | | | |")
                continue
            runs = []
            for _ in range(TIMES):
                at.vendor.reset()
                runs.append(ask(at))
            rate = median(ASKS / r.seconds for r in runs)
            limit = limit or rate
            print(f"| {name} | {rate:,.0f} | {rate / limit:.2f} | {median(r.cpu for r in runs):.1f} "
                  f"| {median(r.peak_mib for r in runs):,.0f} | {at.vendor.counts()['requests']:,} |", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
