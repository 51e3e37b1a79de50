"""`ghostpy revert`: go back to the old table, with every change since. `ghostpy migrate --revert` is the same."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence

from ghostpy.assembly.beforehand import Beforehand
from ghostpy.assembly.reverting import last_exchange
from ghostpy.cli import migrate
from ghostpy.cli.config_file import usual_places
from ghostpy.cli.connection import ask_password
from ghostpy.cli.flag_table import FLAGS
from ghostpy.cli.flags import Origin, read_flags
from ghostpy.cli.invocation import read_invocation
from ghostpy.cli.plan import Notes
from ghostpy.control.client import asked
from ghostpy.control.places import all_places, is_alive
from ghostpy.errors import AlreadyRunning, CutOverFailed

_POLL = 0.2
_ENDED_WITHIN = 60.0

HELP = """\
Usage: ghostpy revert --url mysql://…/DATABASE --table TABLE [--execute] [flags of migrate]

Takes the last change of a table back: the old table gets all rows changed since, is compared, and takes its name again.
Without --execute: says what would be lost on the way, and changes nothing. A change can be taken back that was made with
--revert-window or --keep-revertible; so can a revert. See docs/revert.md.
"""


def run(argv: Sequence[str]) -> int:
    """Carry out one call; the exit code. Raises GhostpyError where it fails."""
    if any(argument.lstrip("-") == "help" for argument in argv):
        print(HELP, end="")
        return 0
    try:
        return migrate.run(argv, revert=True)
    except AlreadyRunning as busy:
        return _asked_of_the_run(argv, busy)


def _asked_of_the_run(argv: Sequence[str], busy: AlreadyRunning) -> int:
    """A run that keeps the old table in step reverts by itself, when it is told to."""
    values = read_flags(argv, os.environ, usual_places(os.environ))
    values.put(FLAGS["revert"], True, Origin.COMMAND_LINE)
    settings = read_invocation(values, os.environ, ask_password).settings
    noted, database = asyncio.run(last_exchange(settings)), settings.target.database
    # Without a schema the name might be another run's as well.
    table = str(noted.source) if noted is not None else settings.target.table
    # Of this very server: a table of that name elsewhere must not be reverted in its place.
    place = next(
        (each for each in all_places() if each.alive and each.is_of(table, database, settings.connect.address)), None
    )
    if place is None:
        raise AlreadyRunning(
            busy.message, hint="Say `revert` to that run, on its own host: `ghostpy control --table … revert`."
        ) from busy
    asyncio.run(Beforehand(settings, settings.connect.address, Notes()).seen_to())
    answer = asked(place.path, "revert")
    if not answer.startswith("Reverting"):
        raise AlreadyRunning(f"{busy.message}. It says: {answer.strip()}") from busy
    print(f"The run that keeps the old table of {table} in step reverts.", flush=True)
    while is_alive(place.path):
        time.sleep(_POLL)
    now = asyncio.run(last_exchange(settings, patience=_ENDED_WITHIN))
    if now is None or (noted is not None and now.turn <= noted.turn):
        raise CutOverFailed(
            f"{table} was not reverted: the run that was to do it has ended", hint="See its log for why."
        )
    print(f"{table} is reverted.")
    return 0
