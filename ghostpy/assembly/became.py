"""What became of the source where a run did not end well, in words."""

from __future__ import annotations

from collections.abc import Sequence

from ghostpy.dialects import names_of
from ghostpy.errors import CutOverInDoubt, GhostpyError
from ghostpy.settings import MigrateSettings


def left(settings: MigrateSettings) -> str:
    """Where the process ends at once: what may be there still, in a sentence."""
    return f"{_helper_names(settings)} may be left behind; the server gives up all locks by itself."


def _helper_names(settings: MigrateSettings) -> str:
    _, names = names_of(settings)
    if names.shadow.schema == names.ledger.schema != names.old.schema:
        return f"the schema {names.shadow.schema} and a replication slot, which holds WAL until `ghostpy cleanup --execute` drops it,"
    return f"{names.shadow} and {names.ledger}"


def became(settings: MigrateSettings, notes: Sequence[str]) -> str:
    """Where a run is broken off. `notes`: what the engine has to say about how far it came; nothing where the source is as it was."""
    source, _ = names_of(settings)
    return " ".join(notes) or f"{source} was not changed, and the run's own tables are removed, unless named above"


def say_what_became(settings: MigrateSettings, error: GhostpyError) -> None:
    """Where an error does not say it by itself, add to it what became of the source."""
    source, told = str(names_of(settings)[0]), f"{error.message} {error.hint}".lower()
    if any(note.startswith(f"{source} ") for note in getattr(error, "__notes__", ())):
        return
    if isinstance(error, CutOverInDoubt) or any(word in told for word in ("exchanged", "untouched", "nothing was")):
        if source.lower() not in told:
            error.add_note(f"The table is {source} on {settings.connect.address}.")
        return
    error.add_note(f"{source} was not changed.")
