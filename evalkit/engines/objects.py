"""The few things that are asked of an object store: put, get, list. Amazon's, Google's, or whatever fsspec knows.

S3 and Google's store are spoken by pyarrow; the rest (`file://`, `memory://`, ...) by fsspec's own or installed drivers.
Address and access come from the usual variables of each machine's own environment (AWS_ACCESS_KEY_ID,
AWS_SECRET_ACCESS_KEY, AWS_DEFAULT_REGION, AWS_ENDPOINT_URL; GOOGLE_APPLICATION_CREDENTIALS).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import PurePosixPath
from typing import Any
from uuid import uuid4

from evalkit import keys
from evalkit.errors import InputError, JournalError

CONNECT_SECONDS, REQUEST_SECONDS = 10, 30
AT_ONCE = 16  # objects fetched at the same time


def is_url(folder: str) -> bool:
    """Whether a folder is named by an address rather than by a path."""
    return "://" in folder


class Objects:
    """The objects below one address. Failures of the store come as `OSError`; `error` makes one line of them."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._scheme = url.partition("://")[0]
        self._fs, root = _opened(url)
        self._root = PurePosixPath(root)

    def put(self, name: str, block: bytes) -> None:
        """Write one object, whole or not at all; one of that name is replaced."""
        path = str(self._root / name)
        if self._scheme not in ("file", "local"):
            self._fs.pipe_file(path, block)
            return
        half = f"{path}.{uuid4().hex}"
        self._fs.makedirs(str(PurePosixPath(path).parent), exist_ok=True)
        self._fs.pipe_file(half, block)
        self._fs.mv(half, path)

    def get(self, name: str) -> bytes | None:
        """What an object holds; None when it isn't there."""
        try:
            content: bytes = self._fs.cat_file(str(self._root / name))
        except FileNotFoundError:
            return None
        return content

    def get_all(self, names: Sequence[str]) -> list[bytes | None]:
        """Several objects, in their order."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(self.get, names))

    def names(self, folder: str) -> list[str]:
        """The names of what stands right in a folder, sorted; none when there is no such folder."""
        self._fs.invalidate_cache()
        try:
            return sorted(PurePosixPath(path).name for path in self._fs.ls(str(self._root / folder), detail=False))
        except FileNotFoundError:
            return []

    def error(self, what: str, error: OSError) -> JournalError:
        """One line for a failure that lasts."""
        said = keys.redact_text(" ".join(str(error).split()))
        return JournalError(
            f"{self.url}: {what} ({said}); mend the address or this machine's access to it, then resume"
        )


def _opened(url: str) -> tuple[Any, str]:
    scheme, _, rest = url.partition("://")
    try:
        if scheme == "s3":
            return _s3(), rest
        if scheme in ("gs", "gcs"):
            return _gs(), rest
        from fsspec.core import url_to_fs

        return url_to_fs(url)  # type: ignore[no-any-return]
    except (ImportError, ValueError) as error:
        raise InputError(f"--shared {url}: {error}; name a path, s3://BUCKET/FOLDER or gs://BUCKET/FOLDER") from error


def _s3() -> Any:
    from fsspec.implementations.arrow import ArrowFSWrapper
    from pyarrow.fs import S3FileSystem

    # Named here because pyarrow doesn't heed them; `allow_delayed_open` makes one request of a small object, not three.
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    return ArrowFSWrapper(
        S3FileSystem(
            endpoint_override=endpoint, region=region, allow_delayed_open=True,
            connect_timeout=CONNECT_SECONDS, request_timeout=REQUEST_SECONDS,
        )
    )  # fmt: skip


def _gs() -> Any:
    from fsspec.implementations.arrow import ArrowFSWrapper
    from pyarrow.fs import GcsFileSystem

    return ArrowFSWrapper(GcsFileSystem())
