"""What the ledger says of a script, held against the script as it is now."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from msgspec import Struct

from ghostpy.errors import CannotResume
from ghostpy.model.script import Kind, Note, Script, Seen, Statement, Way


class Progress(Struct, frozen=True):
    """`done`: so many statements are, from the first on. `begun`: the note of the next one, where it was begun."""

    done: int
    begun: Note | None = None


def progress_of(script: Script, notes: Sequence[Note]) -> Progress:
    """How far a script has come. Raises CannotResume where what is done is not what the script says now.

    What follows that may have changed: so a script gets past a statement that was refused.
    """
    statements = script.noted
    done = 0
    for note in notes:
        if note.number != done + 1 or (not note.done and note is not notes[-1]):
            raise CannotResume(
                f"the ledger of {script.name} has gaps: it tells of statement {note.number} behind {done}; nothing was changed",
                hint="Look at the ledger; to begin anew under another name, add --name.",
            )
        if not note.done:
            return Progress(done, note)
        if done >= len(statements):
            raise CannotResume(
                f"{script.name} has {len(statements)} statements, but {len(notes)} are done: it was cut short since; nothing was changed",
                hint=_HINT,
            )
        if statements[done].digest != note.digest:
            raise CannotResume(
                f"{script.name} was changed since it was applied: statement {note.number} is {statements[done].told} now, and was "
                f"another {note.verb} (line {note.line}) when it was done; nothing was changed",
                hint=_HINT,
            )
        done += 1
    return Progress(done)


_HINT = "Give the script as it was, with new statements behind it or in a file of their own; another script goes by another name: --name."


class Next(Enum):
    """What to do about a statement that was begun, and may have run."""

    DONE = "done"
    AGAIN = "again"
    PLAN = "plan"
    """Ask whether there is anything left to do."""
    DOUBT = "doubt"


def next_of(statement: Statement, note: Note, seen: Seen) -> Next:
    """By what is seen of it on the server."""
    if seen is Seen.UNCHANGED:
        return Next.AGAIN if statement.repeatable or statement.kind is Kind.MAINTENANCE else Next.DOUBT
    if note.way == Way.ONLINE.value:
        return Next.PLAN
    return Next.DONE if seen is Seen.CHANGED else Next.DOUBT
