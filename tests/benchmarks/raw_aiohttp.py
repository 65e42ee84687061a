"""The limit: a bare aiohttp script that sends a suite's questions and keeps nothing. python raw_aiohttp.py SETTINGS.json -> JSON."""

from __future__ import annotations

import asyncio
import json
import sys
import time

import aiohttp


async def ask_all(base: str, suite: str, models: list[str], system: str, in_flight: int) -> tuple[float, float, int]:
    """Unix times of the first and the last reply, and how many came."""
    with open(suite) as file:
        texts = [json.loads(line)["text"] for line in file]
    asks = ((model, text) for text in texts for model in models)
    ended: list[float] = []

    async def worker(session: aiohttp.ClientSession) -> None:
        for model, text in asks:
            messages = [{"role": "system", "content": system}, {"role": "user", "content": text}]
            body = json.dumps({"model": model, "messages": messages, "temperature": 0, "max_tokens": 64})
            async with session.post(f"{base}/chat/completions", data=body, headers=HEADERS) as response:
                assert json.loads(await response.read())["choices"], response.status
            ended.append(time.time())

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        await asyncio.gather(*(worker(session) for _ in range(in_flight)))
    return ended[0], ended[-1], len(ended)


HEADERS = {"Content-Type": "application/json", "Authorization": "Bearer sk-planted-0-0123456789abcdef"}


if __name__ == "__main__":
    with open(sys.argv[1]) as given:
        print(json.dumps(asyncio.run(ask_all(**json.load(given)))))
