"""Every error that evalkit raises on purpose.

EvalkitError                    shown as one line on stderr, never as a traceback
|-- InputError                  bad input or usage: names the file, the field and the mend (exit code 2)
|   |-- SuiteError              a suite file
|   |-- PanelError              a panel file, an unknown model, a missing key
|   |-- ProfileError            a risk profile, or one that doesn't fit the suite
|   |-- RecordedError           a file of recorded answers
|   `-- JournalError            a run's journal can't be trusted or can't be written
|-- WorkerError                 the processes or nodes that ask for a run can't be kept alive (exit code 2)
|-- StoreError                  DuckDB could not be opened, read or written (exit code 2)
`-- Interrupted                 stopped by the user; the run can be resumed (exit code 130)

ProviderError                   one attempt at one ask went wrong. It never leaves `providers/`: the
                                asking loop turns it into a status, once. A failed ask is data.
"""

from __future__ import annotations


class EvalkitError(Exception):
    """Base of what a user is told in one line. `exit_code` is the process's."""

    exit_code = 2


class InputError(EvalkitError):
    """Bad input or usage."""


class SuiteError(InputError):
    """A suite file is missing, malformed or inconsistent."""


class PanelError(InputError):
    """A panel file is missing, malformed or can't be asked."""


class ProfileError(InputError):
    """A risk profile is missing, malformed or doesn't fit the suite."""


class RecordedError(InputError):
    """A file of recorded answers is missing, malformed or doesn't fit the suite."""


class JournalError(InputError):
    """A journal is missing, held by another process, broken, or can't be written."""


class WorkerError(EvalkitError):
    """Workers of a run keep dying. What they wrote is kept."""


class StoreError(EvalkitError):
    """The DuckDB store could not be opened, read or written."""


class Interrupted(EvalkitError):  # noqa: N818 - it is no error of anybody's
    """The user stopped the run; what is in the journal stays and `--resume` goes on from it."""

    exit_code = 130


class ProviderError(Exception):
    """One attempt at one ask failed.

    `kind`: a stable word for tables (`rate_limited`, `server_error`, `timeout`, `bad_reply`, `refused_request`, `auth`,
    `quota`, `network`, `vendor_filtered`, `not_recorded`). `retryable`: whether another attempt makes sense.
    `retry_after_s`: seconds the vendor asked us to wait, if it did. `sent`: whether the request may have reached the
    vendor, so that it may be billed.
    """

    def __init__(
        self, kind: str, message: str, *, retryable: bool = False, retry_after_s: float | None = None, sent: bool = True
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.retryable = retryable
        self.retry_after_s = retry_after_s
        self.sent = sent
