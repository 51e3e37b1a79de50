"""Every way a run can end badly.

    GhostpyError                     1   anything not named below (a defect in ghostpy)
    ├── UsageError                   2   bad flags or settings
    ├── PlanRefused                  3   the plan cannot be carried out safely; all findings named
    ├── ConnectionFailed             4   no session: wrong address, credentials, TLS, or the server is gone
    │   └── ServerGone               4   a session was lost while the run was under way
    ├── MissingPrivilege             5   the server refused for want of a named privilege
    ├── SourceChanged                6   DDL, TRUNCATE or statement-format DML on the source during the run
    ├── DataDoesNotFit               7   a row cannot be stored under the new schema
    │   └── DuplicateRows            7   rows collide on a unique key that the change adds
    ├── VerifyFailed                 8   source and shadow differ, and repairing did not help
    ├── CutOverFailed                9   the lock could not be had, or the drain did not end, in all attempts
    │   ├── LockTimeout              9   one attempt's lock could not be had (retried by the cut-over)
    │   └── BadMoment                9   the exchange would have held writers for long just then (tried again by the cut-over)
    ├── ServerError                 10   the server refused a statement (disk full, read-only, …)
    │   ├── DiskNearlyFull          10   the server's disk has less room left than is to be left to it
    │   └── TransientError          10   deadlock, lock wait timeout: trying again is safe
    ├── StreamLost                  11   the change stream cannot be followed any further
    ├── CriticalLoad                12   a critical load was met
    ├── Panicked                    13   somebody asked for an end at once, without cleaning up (panic file or command)
    ├── Stopped                     14   asked to stop and go on later (command or deadline)
    ├── Aborted                     15   asked to end and clean up
    ├── HookFailed                  16   a hook failed whose failure ends the run
    │   └── BeforeFailed            16   the command failed that was to be run before anything is made
    ├── CannotResume                17   an earlier run left its work, and this one cannot go on with it
    ├── BatchIncomplete             18   migrations of a batch did not come through (14 or 75 where each ended with that)
    ├── TablesDiffer                19   a comparison of two tables found differences
    ├── SchemaDiffers               21   a table is not as it is desired
    ├── CutOverInDoubt              20   a person must look who owns the table's name
    ├── AlreadyRunning              75   another run holds the lock of this table
    └── Interrupted            130/143   a signal ended the run

The class carries the exit code for cron, whether trying the same thing again is safe, and a hint on what to do next.
Sources: sysexits(3) for 75; shells report 128 + signal number for signals.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, ClassVar


class GhostpyError(Exception):
    """Base of all errors that users see.

    `message` says what happened, on which table and server; `hint` what to do next.
    """

    exit_code: ClassVar[int] = 1
    retry_safe: ClassVar[bool] = False
    keeps_work: ClassVar[bool] = False
    """Whether a later run may go on with what this one has done."""
    default_hint: ClassVar[str] = "Run again with --debug for the full trace."

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = self.default_hint if hint is None else hint


class UsageError(GhostpyError):
    exit_code = 2
    default_hint = "See `ghostpy migrate --help`."


class PlanRefused(GhostpyError):
    """`findings` (of the model's kind): all that was found, where the change was looked at as a whole."""

    exit_code = 3
    default_hint = "Nothing was created or changed."

    def __init__(self, message: str, *, hint: str | None = None, findings: Sequence[Any] = ()) -> None:
        super().__init__(message, hint=hint)
        self.findings = tuple(findings)


class ConnectionFailed(GhostpyError):
    exit_code = 4
    keeps_work = True
    retry_safe = True
    default_hint = "Check host, port, user, password and TLS settings."


class ServerGone(ConnectionFailed):
    default_hint = "Check the server, then run the same command again."


class MissingPrivilege(GhostpyError):
    exit_code = 5
    keeps_work = True
    default_hint = "Grant the privilege named above, then run the same command again."


class SourceChanged(GhostpyError):
    exit_code = 6
    default_hint = "Make sure that nobody else alters or truncates the table, then run the same command again."


class DataDoesNotFit(GhostpyError):
    exit_code = 7
    keeps_work = True
    default_hint = "Correct the rows, or add a --transform for the column, then run the same command again."


class DuplicateRows(DataDoesNotFit):
    default_hint = "Remove the duplicates from the source, then run the same command again."


class VerifyFailed(GhostpyError):
    exit_code = 8
    default_hint = "The source is untouched. Look for writers that bypass the change stream (sql_log_bin=0, filters)."


class CutOverFailed(GhostpyError):
    exit_code = 9
    keeps_work = True
    retry_safe = True
    default_hint = "The source is untouched. Look for long transactions on the table, then run the same command again."


class LockTimeout(CutOverFailed):
    pass


class BadMoment(CutOverFailed):
    pass


class ServerError(GhostpyError):
    exit_code = 10
    keeps_work = True
    default_hint = "See the server's message above; mend its cause, then run the same command again."


class DiskNearlyFull(ServerError):
    """Its work is not kept: that is what takes the room."""

    keeps_work = False
    default_hint = "Make room on the server's disk, then run the same command again."


class TransientError(ServerError):
    retry_safe = True
    default_hint = "Run the same command again."


class StreamLost(GhostpyError):
    exit_code = 11
    default_hint = "Run the same command again; make sure that the server keeps its binlogs/WAL long enough."


class CriticalLoad(GhostpyError):
    exit_code = 12
    keeps_work = True
    retry_safe = True
    default_hint = "Look at the server's load, then run the same command again."


class Panicked(GhostpyError):
    exit_code = 13
    default_hint = "Nothing was cleaned up. Run the same command again, or `ghostpy cleanup`."


class Stopped(GhostpyError):
    exit_code = 14
    keeps_work = True
    retry_safe = True
    default_hint = "Run the same command again to go on."


class Aborted(GhostpyError):
    exit_code = 15
    default_hint = "Run the same command again to begin anew."


class HookFailed(GhostpyError):
    exit_code = 16
    keeps_work = True
    default_hint = "See the hook's own output in the log; mend it, then run the same command again."


class BeforeFailed(HookFailed):
    default_hint = "See the command's own output in the log; mend it, then run the same command again."


class CannotResume(GhostpyError):
    exit_code = 17
    keeps_work = True
    default_hint = "Run with --restart to begin anew, or remove what is left by `ghostpy cleanup --execute`."


def keeps_work(ended: BaseException) -> bool:
    """Whether a run that ends by `ended` leaves something that another may go on with: a signal and a defect do."""
    return ended.keeps_work if isinstance(ended, GhostpyError) else True


class BatchIncomplete(GhostpyError):
    """`codes`: how those ended that did not come through. Where all were stopped, or all were running already, that is the code."""

    exit_code = 18
    default_hint = "See their logs. The same command goes on: what is done is skipped."

    def __init__(self, message: str, *, codes: Collection[int] = (), hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        if len(set(codes)) == 1 and set(codes) <= {Stopped.exit_code, AlreadyRunning.exit_code}:
            self.exit_code = next(iter(codes))  # type: ignore[misc]


class TablesDiffer(GhostpyError):
    exit_code = 19
    default_hint = "Nothing was changed."


class SchemaDiffers(GhostpyError):
    """Of `ghostpy diff`, which ends by its code and has nothing more to say."""

    exit_code = 21
    default_hint = "Nothing was changed."


class CutOverInDoubt(GhostpyError):
    exit_code = 20
    keeps_work = True
    default_hint = "Look at the tables named above before anything else is done."


class AlreadyRunning(GhostpyError):
    exit_code = 75
    retry_safe = True
    default_hint = "Wait for the other run to end."


class Interrupted(GhostpyError):
    """The run was ended by a signal; `signal_number` makes the exit code 128 + n."""

    default_hint = "Run the same command again."

    def __init__(self, message: str, *, signal_number: int, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.signal_number = signal_number
        self.exit_code = 128 + signal_number  # type: ignore[misc]
