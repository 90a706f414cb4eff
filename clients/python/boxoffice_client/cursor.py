"""Where a reader is, and what it has made of the log so far: kept together, so that neither is ever without the other."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from .types import LogEvent

# A state is written so often at most: it may be large.
WRITE_SECONDS = 5.0


class FileCursor:
    """A place in the log and a state, in one file that is replaced as a whole.

    `state` is what JSON can hold. It is written every few seconds, and at the end of the `with` block if nothing went wrong. A
    process that dies finds the file as it was written last, and takes the events after that in again: into a state that had
    not seen them.
    """

    def __init__(self, path: str | os.PathLike[str], start: Any = None, write_seconds: float = WRITE_SECONDS) -> None:
        self.path = Path(path)
        self.position = 0
        self.hash: str | None = None
        self.state = start
        self._write_seconds = write_seconds
        self._written_at = time.monotonic()
        self._is_written = True
        if self.path.exists():
            kept = json.loads(self.path.read_text(encoding="utf-8"))
            self.position, self.hash, self.state = kept["position"], kept["hash"], kept["state"]

    def took(self, last: LogEvent) -> None:
        """Says that the state holds everything up to and with this event."""
        self.position, self.hash = last["position"], last["hash"]
        self._is_written = False
        if time.monotonic() - self._written_at >= self._write_seconds:
            self.write()

    def write(self) -> None:
        """Puts place and state on the disk."""
        kept = {"position": self.position, "hash": self.hash, "state": self.state}
        partial = self.path.with_name(self.path.name + ".partial")
        with open(partial, "w", encoding="utf-8") as file:
            json.dump(kept, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, self.path)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        self._written_at = time.monotonic()
        self._is_written = True

    def __enter__(self) -> FileCursor:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # After an error the state may be in the middle of an event.
        if kind is None and not self._is_written:
            self.write()
