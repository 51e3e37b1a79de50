"""`ghostpy migrate`: change one table, or say how it would be changed."""

from __future__ import annotations

import asyncio
import getpass
import os
import signal
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial

import uvloop
from rich.console import Console

from ghostpy.assembly import migrate
from ghostpy.cli.flags import check_flags, read_flags
from ghostpy.cli.help_text import migrate_help
from ghostpy.cli.invocation import Invocation, read_invocation
from ghostpy.cli.plan_text import print_plan
from ghostpy.cli.version import version_text
from ghostpy.dialects import names_of
from ghostpy.errors import CutOverInDoubt, GhostpyError, Interrupted, UsageError
from ghostpy.model.plan import Plan
from ghostpy.model.progress import RunReport
from ghostpy.observe.display import Display
from ghostpy.observe.from_logging import told_to
from ghostpy.observe.log import Level, Log
from ghostpy.observe.own_thread import OwnThread
from ghostpy.observe.several import Several
from ghostpy.observe.status_line import RunFacts
from ghostpy.observe.status_lines import StatusLines
from ghostpy.protocols import Observer
from ghostpy.settings import MigrateSettings

_SHOW_CURSOR = b"\x1b[?25h\n"


def run(argv: Sequence[str]) -> int:
    """Carry out one call; the exit code. Raises GhostpyError where it fails."""
    values = read_flags(argv, os.environ)
    if values.switch("help"):
        print(migrate_help())
        return 0
    if values.switch("version"):
        print(version_text())
        return 0
    check_flags(values)
    if values.switch("check-flag"):
        return 0
    invocation = read_invocation(values, os.environ, _ask)
    console = Console(highlight=False, soft_wrap=False)
    live = _is_live(invocation, console)
    with _watchers(invocation, console, live=live) as observer, told_to(observer):
        for note in invocation.notes:
            observer.happened(note, warning=True)
        outcome = run_to_end(invocation.settings, observer)
    if isinstance(outcome, Plan):
        print_plan(outcome, invocation.settings, console)
    return 0


def run_to_end(settings: MigrateSettings, observer: Observer) -> RunReport | Plan:
    """Run the migration on an event loop of its own; the first SIGINT or SIGTERM ends it cleanly, the second at once.

    Raises GhostpyError, Interrupted after a signal.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_signalled(settings, observer))


async def _signalled(settings: MigrateSettings, observer: Observer) -> RunReport | Plan:
    work = asyncio.create_task(migrate(settings, observer), name="migration")
    signals = _Signals(work, settings, observer)
    with signals:
        try:
            return await work
        except asyncio.CancelledError as ended:
            if signals.first is None:
                raise
            raise _interrupted(signals.first, settings, getattr(ended, "__notes__", ())) from None
        except GhostpyError as error:
            _say_what_became_of_the_source(error, settings)
            raise


class _Signals:
    """What the process does at signals while `work` runs. SIGHUP ends nothing: a lost terminal must not end a run."""

    def __init__(self, work: asyncio.Task[RunReport | Plan], settings: MigrateSettings, observer: Observer) -> None:
        self.first: signal.Signals | None = None
        self._work = work
        self._settings = settings
        self._observer = observer

    def __enter__(self) -> _Signals:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, partial(self._end, number))
        loop.add_signal_handler(signal.SIGHUP, self._observer.happened, "SIGHUP: there is nothing to read anew")
        return self

    def __exit__(self, *_: object) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.remove_signal_handler(number)

    def _end(self, number: signal.Signals) -> None:
        if self.first is None:
            self.first = number
            self._observer.happened(
                f"{number.name}: ending the run; once more to end it without cleaning up", warning=True
            )
            self._work.cancel()
            return
        _abandon(number, self._settings)


def _abandon(number: signal.Signals, settings: MigrateSettings) -> None:
    """End the process now. Nothing that could wait for a lock or a terminal may be used here."""
    names = _helper_names(settings)
    text = f"ghostpy: ended without cleaning up. {names} may be left behind; the server gives up all locks by itself.\n"
    for descriptor, data in ((1, _SHOW_CURSOR if os.isatty(1) else b""), (2, text.encode())):
        try:
            os.set_blocking(descriptor, False)
            os.write(descriptor, data)
        except OSError:
            continue
    os._exit(128 + number)


def _helper_names(settings: MigrateSettings) -> str:
    _, names = names_of(settings)
    if names.shadow.schema == names.ledger.schema != names.old.schema:
        return f"the schema {names.shadow.schema} and a replication slot, which holds WAL until `ghostpy cleanup --execute` drops it,"
    return f"{names.shadow} and {names.ledger}"


def _interrupted(number: signal.Signals, settings: MigrateSettings, notes: Sequence[str]) -> Interrupted:
    """`notes`: what the engine has to say about how far it came; nothing where the source is as it was."""
    source, _ = names_of(settings)
    became = " ".join(notes) or f"{source} was not changed, and the run's own tables are removed, unless named above"
    return Interrupted(f"{number.name} ended the run: {became}", signal_number=number)


def _say_what_became_of_the_source(error: GhostpyError, settings: MigrateSettings) -> None:
    source, told = str(names_of(settings)[0]), f"{error.message} {error.hint}".lower()
    if any(note.startswith(f"{source} ") for note in getattr(error, "__notes__", ())):
        return
    if isinstance(error, CutOverInDoubt) or any(word in told for word in ("exchanged", "untouched", "nothing was")):
        if source.lower() not in told:
            error.add_note(f"The table is {source} on {settings.connect.address}.")
        return
    error.add_note(f"{source} was not changed.")


@contextmanager
def _watchers(invocation: Invocation, console: Console, *, live: bool) -> Iterator[Observer]:
    """Those who watch the run, on a thread of their own."""
    log = Log(invocation.level, _to_stderr)
    settings = invocation.settings
    if not live:
        with OwnThread(Several([log, StatusLines(_facts(settings), _to_stdout)])) as observer:
            yield observer
        return
    title = f"{names_of(settings)[0]} on {settings.connect.address}"
    own_log = sys.stderr.isatty() and invocation.level >= Level.VERBOSE
    with Display(console, title, events=not own_log) as display, OwnThread(Several([log, display])) as observer:
        yield observer


def _is_live(invocation: Invocation, console: Console) -> bool:
    if invocation.display == "auto":
        # A dry run is over before there is anything to watch.
        return console.is_terminal and not console.is_dumb_terminal and invocation.settings.execute
    return invocation.display == "live"


def _facts(settings: MigrateSettings) -> RunFacts:
    source, names = names_of(settings)
    return RunFacts(
        source=source,
        shadow=names.shadow,
        address=settings.connect.address,
        executing_host=socket.gethostname(),
        started=datetime.now().astimezone(),
        keys_per_resync=settings.copy.resync_keys,
        nice_ratio=settings.copy.nice_ratio,
        postpone_flag_file=str(settings.cut_over.postpone_flag_file or ""),
    )


def _to_stdout(line: str) -> None:
    print(line, flush=True)


def _to_stderr(line: str) -> None:
    # Looked up each time: a live display puts a stream of its own there, which writes above it.
    print(line, file=sys.stderr, flush=True)


def _ask(prompt: str) -> str:
    try:
        return getpass.getpass(prompt)
    except EOFError:
        raise UsageError("--ask-pass: no password was typed.") from None
