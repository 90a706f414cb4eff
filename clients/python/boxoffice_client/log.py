"""The log over HTTP."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode, urlsplit

from .types import LogEvent, LogHead

NDJSON = "application/x-ndjson"
# Bytes that are read at once.
BLOCK = 1 << 20
# How long the server may say nothing.
TIMEOUT_SECONDS = 30.0
# Failures in a row that are waited out, and the longest wait between two tries.
RETRIES_MAX = 8
PAUSE_FIRST_SECONDS = 0.5
PAUSE_LONGEST_SECONDS = 30.0
# How often somebody who follows the log asks for more.
POLL_SECONDS = 1.0


class LogRefused(Exception):
    """The server does not answer this request, and will not answer it again."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        super().__init__(f"{status} {problem.get('code')}: {problem.get('detail') or problem.get('title')}")
        self.status = status
        self.code = problem.get("code")


class LogForked(Exception):
    """The log does not hold the event that was seen last: it lost its end, or is another one."""


class LogBroken(Exception):
    """An event does not follow the one before it."""


class _Busy(Exception):
    def __init__(self, seconds: float) -> None:
        super().__init__(f"busy for {seconds} s")
        self.seconds = seconds


class Log:
    """The event log of a boxoffice. `token` needs the role `finance`, `analyst` or `admin`."""

    def __init__(self, url: str, token: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise ValueError("expected a URL like https://tickets.example.org")
        self._is_secure = parts.scheme == "https"
        self._host = parts.netloc
        self._base = parts.path.rstrip("/")
        self._token = token

    def head(self) -> LogHead:
        """The last event's position and hash."""
        return self._retrying(lambda: self._json("/v1/log/head"))

    def pages(self, after: int = 0, *, seen: str | None = None, limit: int | None = None) -> Iterator[list[LogEvent]]:
        """The events after a position, as far as there are any now, a page of them at a time.

        `seen` is the hash of the event at `after`: it is checked that the log still holds it, now and each time that a stream broke
        off: another node may have taken over.
        """
        failures = 0
        while True:
            try:
                for page in self._stream(after, seen, limit):
                    failures = 0
                    after, seen = page[-1]["position"], page[-1]["hash"]
                    if limit is not None:
                        limit -= len(page)
                    yield page
                return
            except (_Busy, OSError, http.client.HTTPException) as reason:
                failures += 1
                _wait_out(reason, failures)

    def follow(self, after: int = 0, *, seen: str | None = None) -> Iterator[list[LogEvent]]:
        """The same, and then what is recorded later, for ever."""
        while True:
            for page in self.pages(after, seen=seen):
                after, seen = page[-1]["position"], page[-1]["hash"]
                yield page
            time.sleep(POLL_SECONDS)

    def events(self, after: int = 0, *, seen: str | None = None, limit: int | None = None) -> Iterator[LogEvent]:
        """The same as `pages`, event by event."""
        for page in self.pages(after, seen=seen, limit=limit):
            yield from page

    def _stream(self, after: int, seen: str | None, limit: int | None) -> Iterator[list[LogEvent]]:
        if limit is not None and limit <= 0:
            return
        # What was seen last comes once more, in the same answer: nobody can take over between the two.
        again = 1 if seen is not None and after > 0 else 0
        at = after - again
        query = urlencode({"after": at} | ({} if limit is None else {"limit": limit + again}))
        connection = self._connect()
        try:
            answer = self._ask(connection, f"/v1/log/events?{query}", NDJSON)
            rest = b""
            while block := answer.read1(BLOCK):
                whole, mark, tail = block.rpartition(b"\n")
                if not mark:
                    rest += block
                    continue
                # One call for all lines: a line holds no line break.
                page = json.loads(b"[" + (rest + whole).replace(b"\n", b",") + b"]")
                rest = tail
                if page[0]["position"] != at + 1 or page[-1]["position"] != at + len(page):
                    raise LogBroken(f"expected the events after position {at}, got {page[0]['position']}")
                at = page[-1]["position"]
                if again:
                    if page[0]["hash"] != seen:
                        raise _forked(after)
                    again, page = 0, page[1:]
                if page:
                    yield page
            # First: of an answer that broke off inside a line it cannot be told what the line would have said.
            if rest:
                raise http.client.IncompleteRead(rest)
            if again:
                raise _forked(after)
        finally:
            connection.close()

    def _json(self, path: str) -> Any:
        connection = self._connect()
        try:
            return json.loads(self._ask(connection, path, "application/json").read())
        finally:
            connection.close()

    def _connect(self) -> http.client.HTTPConnection:
        kind = http.client.HTTPSConnection if self._is_secure else http.client.HTTPConnection
        return kind(self._host, timeout=TIMEOUT_SECONDS)

    def _ask(self, connection: http.client.HTTPConnection, path: str, accept: str) -> http.client.HTTPResponse:
        headers = {"Authorization": f"Bearer {self._token}", "Accept": accept}
        connection.request("GET", self._base + path, headers=headers)
        answer = connection.getresponse()
        if answer.status == 200:
            return answer
        body = answer.read()
        if answer.status in (429, 503):
            raise _Busy(float(answer.headers.get("Retry-After") or PAUSE_FIRST_SECONDS))
        if answer.status >= 500:
            raise http.client.HTTPException(f"{answer.status} {answer.reason}")
        try:
            problem = json.loads(body)
        except ValueError:
            problem = {}
        raise LogRefused(answer.status, problem)

    @staticmethod
    def _retrying(ask: Any) -> Any:
        failures = 0
        while True:
            try:
                return ask()
            except (_Busy, OSError, http.client.HTTPException) as reason:
                failures += 1
                _wait_out(reason, failures)


def _forked(after: int) -> LogForked:
    return LogForked(f"the log does not hold the event that was seen at position {after}")


def _wait_out(reason: Exception, failures: int) -> None:
    if failures > RETRIES_MAX:
        raise reason
    pause = min(PAUSE_FIRST_SECONDS * 2 ** (failures - 1), PAUSE_LONGEST_SECONDS)
    if isinstance(reason, _Busy):
        pause = min(max(pause, reason.seconds), PAUSE_LONGEST_SECONDS)
    time.sleep(pause)
