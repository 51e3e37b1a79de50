"""`ghostpy backfill`: update the rows of a table where they are, chunk by chunk, or say how they would be updated."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Sequence
from functools import cache, partial

from ghostpy.assembly.backfilling import backfill
from ghostpy.cli.change_text import TEXTS
from ghostpy.cli.commands import OWN_OF_BACKFILL
from ghostpy.cli.config_file import usual_places
from ghostpy.cli.connection import Connection, ask_password
from ghostpy.cli.failure import exit_code
from ghostpy.cli.flags import FlagValues, read_flags
from ghostpy.cli.invocation import read_invocation, read_transforms
from ghostpy.cli.known_flags import check_known
from ghostpy.cli.migrate import carried_out, run_console
from ghostpy.cli.own_parser import OwnParser
from ghostpy.cli.process_list import forget_secrets
from ghostpy.cli.signalled import Work, run_signalled
from ghostpy.cli.watching import is_live
from ghostpy.dialects import names_of
from ghostpy.errors import UsageError
from ghostpy.model.plan import Plan
from ghostpy.model.progress import RunReport
from ghostpy.observe.log import Level
from ghostpy.protocols import Observer
from ghostpy.settings import MigrateSettings, TargetSettings

_USAGE = """\
Usage: ghostpy backfill --url … --table TABLE --set "column = expression" [--where SQL] [--execute] [flags]

Updates a whole table as many small UPDATEs along its key, each in a transaction of its own, each row exactly once,
however often the run ends and is begun again by the same command. Without --execute the expressions are read by the
server, and the statement of a chunk is shown; nothing is changed. See docs/backfill.md.

  --set "COLUMN = SQL"      what a column is set to, over the row's own columns; once for each column
  --where SQL               update only the rows for which this holds
  --execute                 do it
  --resume                  fail where there is nothing to go on with
  --restart                 begin anew: rows that an earlier run has updated are updated again

Exit codes are those of ghostpy migrate.
"""
_HINT = "See `ghostpy backfill --help`."
_SHOWN = ("set", "where", "execute", "resume", "restart")


def run(argv: Sequence[str]) -> int:
    """Carry out one call; the exit code. Raises GhostpyError where it fails."""
    parser = OwnParser("backfill")
    parser.add_argument("--set", action="append", default=[])
    own, rest = parser.parse_known_args(argv)
    values = read_flags(rest, os.environ, usual_places(os.environ))
    if values.switch("help"):
        flags = ", ".join(f"--{name}" for name in OWN_OF_BACKFILL if name not in _SHOWN)
        taken = f"Of migrate's flags these are taken, too: those of the connection, {flags}."
        print(_USAGE + textwrap.fill(taken, 115, break_on_hyphens=False))
        return 0
    check_known(values, OWN_OF_BACKFILL, "backfill")
    if values.switch("resume") and values.switch("restart"):
        raise UsageError("--resume and --restart exclude each other.", hint=_HINT)
    if values.switch("check-flag"):
        return 0
    invocation = read_invocation(values, os.environ, ask_password, partial(_target, own.set))
    forget_secrets(os.environ)
    console = cache(run_console)
    live = is_live(invocation, console)
    try:
        summary = values.switch("summary") or invocation.level is Level.QUIET
        carried_out(invocation, console, _to_end, live=live, summary=summary)
    except BrokenPipeError:
        raise
    except (Exception, KeyboardInterrupt) as error:
        if invocation.observe.log_format != "json":
            raise
        return exit_code(error)  # the log has told of it, as a line of its own kind
    return 0


def _to_end(settings: MigrateSettings, observer: Observer) -> RunReport | Plan:
    table = str(names_of(settings)[0])
    work = Work(
        start=partial(backfill, settings, observer),
        became=lambda notes: " ".join(notes) or f"{table} was not changed",
        left=lambda: (
            f"{table} may be updated in part: its ledger says how far, and the same command goes on from there."
        ),
    )
    return run_signalled(work, observer)


def _target(sets: Sequence[str], values: FlagValues, connection: Connection) -> TargetSettings:
    """What the flags ask for. Raises UsageError."""
    text = TEXTS[connection.dialect]
    named = text.named("", values.text("database") or connection.database, values.text("table"))
    given = (("--database", named.database), ("--table", named.table), ("--set (what to update)", sets))
    missing = [flag for flag, value in given if not value]
    if missing:
        raise UsageError(f"{' and '.join(missing)} must be given.", hint=_HINT)
    assignments = read_transforms(sets, text, "--set")
    for column, expression in assignments:
        if text.commas(expression, f"--set {column}"):
            raise UsageError(
                f"--set {column} holds a comma outside of parentheses: one --set is for one column.",
                hint='Repeat it: --set "a = 1" --set "b = 2". Nothing was sent to the server.',
            )
    where = values.text("where")
    return TargetSettings(
        database=named.database,
        table=named.table,
        assignments=assignments,
        where=text.expression(where, "--where") if where.strip() else None,
        force_table_names=values.text("force-table-names") or None,
    )
