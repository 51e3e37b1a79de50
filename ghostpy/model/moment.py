"""The moments of a run that somebody outside may want to act at, named as gh-ost names its hooks."""

from __future__ import annotations

from enum import Enum


class Moment(Enum):
    STARTUP = "startup"
    VALIDATED = "validated"
    ROWCOUNT_COMPLETE = "rowcount-complete"
    BEFORE_ROW_COPY = "before-row-copy"
    BATCH_COPY_RETRY = "batch-copy-retry"
    STATUS = "status"
    INTERACTIVE_COMMAND = "interactive-command"
    ROW_COPY_COMPLETE = "row-copy-complete"
    BEFORE_CUT_OVER = "before-cut-over"
    BEGIN_POSTPONED = "begin-postponed"
    STOP_REPLICATION = "stop-replication"
    START_REPLICATION = "start-replication"
    SUCCESS = "success"
    FAILURE = "failure"


class HookOutput(str):
    """A line that a hook wrote. Its author means it to be read, so that every log shows it that is not quiet."""

    __slots__ = ()
