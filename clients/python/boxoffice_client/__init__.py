"""Reads the event log of a boxoffice, from a cursor that survives restarts."""

from .cursor import FileCursor
from .log import Log, LogBroken, LogForked, LogRefused
from .types import LogEvent, LogHead

__all__ = ["FileCursor", "Log", "LogBroken", "LogEvent", "LogForked", "LogHead", "LogRefused"]
