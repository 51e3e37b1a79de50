"""`ghostpy migrate`: change one table, or say how it would be changed."""

from __future__ import annotations

import os
from collections.abc import Callable, Coroutine, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING, Any, TypeVar

from ghostpy.assembly import migrate
from ghostpy.assembly.became import became, left, say_what_became
from ghostpy.cli.config_file import usual_places
from ghostpy.cli.connection import ask_password
from ghostpy.cli.failure import exit_code
from ghostpy.cli.flag_table import FLAGS
from ghostpy.cli.flags import Origin, check_flags, read_flags
from ghostpy.cli.help_text import migrate_help
from ghostpy.cli.invocation import Invocation, read_invocation
from ghostpy.cli.process_list import forget_secrets
from ghostpy.cli.signalled import Work, run_signalled
from ghostpy.cli.summary import summarised
from ghostpy.cli.version import version_text
from ghostpy.cli.watching import is_live, watching
from ghostpy.dialects import names_of
from ghostpy.model.plan import Plan
from ghostpy.model.progress import RunReport
from ghostpy.observe.from_logging import told_to
from ghostpy.observe.log import Level
from ghostpy.observe.several import Several
from ghostpy.protocols import Observer
from ghostpy.settings import MigrateSettings

if TYPE_CHECKING:
    from rich.console import Console

T = TypeVar("T")


def run(argv: Sequence[str], *, revert: bool = False) -> int:
    """Carry out one call; the exit code. `revert`: as with --revert. Raises GhostpyError where it fails."""
    values = read_flags(argv, os.environ, usual_places(os.environ))
    if values.switch("help"):
        print(migrate_help())
        return 0
    if values.switch("version"):
        print(version_text())
        return 0
    if revert:
        values.put(FLAGS["revert"], True, Origin.COMMAND_LINE, "ghostpy revert")
    # The flag, as gh-ost has it, wants --old-table as well.
    check_flags(values, unneeded="old-table" if revert else "")
    if values.switch("check-flag"):
        return 0
    invocation = read_invocation(values, os.environ, ask_password)
    forget_secrets(os.environ)
    console = cache(run_console)
    live = is_live(invocation, console)
    try:
        carried_out(invocation, console, run_to_end, live=live, summary=values.switch("summary"))
    except BrokenPipeError:
        raise
    except (Exception, KeyboardInterrupt) as error:
        if invocation.observe.log_format != "json":
            raise
        return exit_code(error)  # the log has told of it, as a line of its own kind
    return 0


def run_console() -> Console:
    """What a run is shown on."""
    # Loaded where something is shown: on a small table that is a tenth of the run.
    from rich.console import Console

    return Console(highlight=False, soft_wrap=False)


def carried_out(
    invocation: Invocation,
    console: Callable[[], Console],
    to_end: Callable[[MigrateSettings, Observer], RunReport | Plan],
    *,
    live: bool,
    summary: bool,
) -> None:
    """Run it by `to_end`, watched as the call asks for, and show what came of it."""
    source = str(names_of(invocation.settings)[0])
    quiet = invocation.level is Level.QUIET
    with summarised(source, wanted=quiet or summary) as line:
        with watching(invocation, console, live=live) as observer, told_to(observer):
            for note in invocation.notes:
                observer.happened(note, warning=True)
            line.outcome = outcome = to_end(invocation.settings, Several([observer, line]))
        if isinstance(outcome, Plan) and not quiet:
            from ghostpy.cli.plan_text import print_plan

            print_plan(outcome, invocation.settings, console())


def run_to_end(settings: MigrateSettings, observer: Observer) -> RunReport | Plan:
    """Run the migration on an event loop of its own; the first SIGINT or SIGTERM ends it cleanly, the second at once.

    Raises GhostpyError, Interrupted after a signal.
    """
    return ended_by_signals(partial(migrate, settings, observer), settings, observer)


def ended_by_signals(start: Callable[[], Coroutine[Any, Any, T]], settings: MigrateSettings, observer: Observer) -> T:
    """The same for something else that is about the table of `settings`."""
    work = Work(
        start=start,
        became=partial(became, settings),
        left=partial(left, settings),
        failed=partial(say_what_became, settings),
    )
    return run_signalled(work, observer)
