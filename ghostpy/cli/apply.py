"""`ghostpy apply`: a migration script, or how it would be carried out."""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from rich.console import Console

from ghostpy.assembly.applying import apply
from ghostpy.cli.change_text import TEXTS
from ghostpy.cli.commands import OWN_OF_APPLY
from ghostpy.cli.config_file import usual_places
from ghostpy.cli.connection import Connection, ask_password
from ghostpy.cli.failure import exit_code
from ghostpy.cli.flags import FlagValues, read_flags, refuse_to_execute
from ghostpy.cli.invocation import Invocation, read_invocation
from ghostpy.cli.known_flags import check_known
from ghostpy.cli.own_parser import OwnParser
from ghostpy.cli.process_list import forget_secrets
from ghostpy.cli.redaction import redact
from ghostpy.cli.script_file import read_file
from ghostpy.cli.script_page import script_page
from ghostpy.cli.script_text import plan_markdown, plan_text, show_json
from ghostpy.cli.signalled import Work, run_signalled
from ghostpy.cli.summary import summarised
from ghostpy.cli.watching import is_live, watching
from ghostpy.errors import PlanRefused, UsageError
from ghostpy.model.script import Script, ScriptPlan, ScriptReport
from ghostpy.observe.from_logging import told_to
from ghostpy.observe.log import Level
from ghostpy.planning.script import OVERRULED, read_script
from ghostpy.protocols import Observer
from ghostpy.settings import MigrateSettings, ObserveSettings, ScriptSettings, TargetSettings

_USAGE = """\
Usage: ghostpy apply SCRIPT.sql --url … [--execute] [flags]

Carries out a migration script as Alembic, Django, Prisma and others write it: each statement in its order, by its safest way, and exactly
once: a ledger in the database says what is done, so the same command goes on where it ended, and does nothing where all is done.
Without --execute it says how each statement would be carried out, and changes nothing. See docs/apply.md.

  --execute                 do it
  --name NAME               what the ledger knows the script by; its file's name, unless it is given
  --small-rows N            up to so many rows a table is changed as the script says, and an UPDATE run as it stands; 10000
  --allow CODE              go on in spite of this finding: large-update, opaque-statement. May be repeated
  --in-doubt done|again     what is true of a statement of which an ended run has left unclear whether it was carried out
  --format FORMAT           how to show the plan (text, markdown, json, html), or what was done (text, json)

Exit codes are those of ghostpy migrate.
"""
_HINT = "See `ghostpy apply --help`."
_LONGEST_NAME = 150
Outcome = ScriptPlan | ScriptReport


def run(argv: Sequence[str], *, plan: bool = False) -> int:
    """Carry out one call; the exit code. `plan`: it is only to say what it would do. Raises GhostpyError where it fails."""
    if not argv or any(each in ("--help", "-help", "-h") for each in argv):
        taken = f"Of migrate's flags these are taken, too: those of the connection, {', '.join(f'--{name}' for name in OWN_OF_APPLY)}."
        text = _USAGE + textwrap.fill(taken, 115, break_on_hyphens=False)
        print(text, file=sys.stdout if argv else sys.stderr)
        return 0 if argv else UsageError.exit_code
    if argv[0].startswith("-"):
        raise UsageError("The script must stand first: ghostpy apply SCRIPT.sql [flags].", hint=_HINT)
    own, rest = _parser().parse_known_args(argv[1:])
    values = read_flags(rest, os.environ, usual_places(os.environ))
    check_known(values, OWN_OF_APPLY, "apply")
    if values.switch("check-flag"):
        return 0
    if plan:
        refuse_to_execute(values, "apply")
    invocation = read_invocation(values, os.environ, ask_password, partial(_target, own, argv[0]))
    if invocation.settings.execute and own.format not in ("text", "json"):
        raise UsageError(f"--format={own.format} is for plans, without --execute.", hint=_HINT)
    settings = replace(invocation.settings, script=_wish(own))
    invocation = replace(invocation, settings=settings)
    forget_secrets(os.environ)
    text = read_file(argv[0])
    script = read_script(text, _name(own, argv[0]), settings.connect.dialect, settings.target.database)
    console = Console(highlight=False, soft_wrap=False)
    quiet = invocation.level is Level.QUIET
    try:
        with summarised(script.name, wanted=quiet or values.switch("summary")):
            outcome = _to_end(script, invocation, console)
            if not (quiet and isinstance(outcome, ScriptReport) and own.format == "text"):
                _show(outcome, own.format, settings)
            _judge(outcome)
    except BrokenPipeError:
        raise
    except (Exception, KeyboardInterrupt) as error:
        if invocation.observe.log_format != "json":
            raise
        return exit_code(error)  # the log has told of it, as a line of its own kind
    return 0


def _parser() -> OwnParser:
    parser = OwnParser("apply")
    parser.add_argument("--name", default="")
    parser.add_argument("--small-rows", type=int, default=ScriptSettings().small_rows)
    parser.add_argument("--allow", action="append", default=[], choices=OVERRULED)
    parser.add_argument("--in-doubt", choices=("done", "again"), default="")
    parser.add_argument("--format", choices=("text", "markdown", "json", "html"), default="text")
    return parser


def _wish(own: Any) -> ScriptSettings:
    if not 0 <= own.small_rows <= 1_000_000:
        raise UsageError("--small-rows must be between 0 and 1000000.", hint=_HINT)
    return ScriptSettings(own.small_rows, tuple(own.allow), own.in_doubt)


def _name(own: Any, path: str) -> str:
    name: str = own.name or Path(path).name
    if len(name) > _LONGEST_NAME or not name.isprintable() or not name.strip():
        raise UsageError(
            f"The script's name must have {_LONGEST_NAME} characters at most, all of them printable.",
            hint="Give it another: --name.",
        )
    return name


def _target(own: Any, path: str, values: FlagValues, connection: Connection) -> TargetSettings:
    """The database; where a table is told of, the script stands."""
    rules = TEXTS[connection.dialect]
    database = rules.named("", values.text("database") or connection.database, "").database
    if not database:
        raise UsageError("--database must be given.", hint=_HINT)
    strategies = ("auto", "shadow", "online")
    strategy = values.text("strategy").lower() or "auto"
    if strategy not in strategies:
        raise UsageError(f"--strategy must be one of {', '.join(strategies)}, not {strategy!r}.")
    name = '"' + _name(own, path).replace('"', '""') + '"' if connection.dialect == "postgres" else _name(own, path)
    return TargetSettings(
        database=database,
        table=name,
        strategy=strategy,
        ok_to_drop_old=values.switch("ok-to-drop-table"),
        refresh_materialized=values.switch("refresh-materialized-views"),
        allow_all_tables=values.switch("allow-all-tables-publication"),
    )


def _to_end(script: Script, invocation: Invocation, console: Console) -> Outcome:
    log_alone = replace(
        invocation,
        observe=ObserveSettings(log_format=invocation.observe.log_format, log_file=invocation.observe.log_file),
    )

    def watched(settings: MigrateSettings) -> AbstractContextManager[Observer]:
        inner = replace(invocation, settings=settings)
        return watching(inner, lambda: console, live=is_live(inner, lambda: console))

    with watching(log_alone, lambda: console, live=False) as observer, told_to(observer):
        for note in invocation.notes:
            observer.happened(note, warning=True)
        work = Work(
            start=partial(apply, script, invocation.settings, observer, watched),
            became=lambda notes: " ".join(notes) or "nothing was changed",
            left=lambda: (
                f"{script.name} may be done in part: its ledger says how far, and the same command goes on from there."
            ),
        )
        return run_signalled(work, observer)


def _show(outcome: Outcome, form: str, settings: MigrateSettings) -> None:
    if form == "json":
        print(redact(show_json(outcome)))
    elif isinstance(outcome, ScriptReport):
        print(redact(outcome.text))
    elif form == "markdown":
        print(redact(plan_markdown(outcome)), end="")
    elif form == "html":
        print(redact(script_page(outcome, settings)), end="")
    else:
        print(redact(plan_text(outcome)), end="")


def _judge(outcome: Outcome) -> None:
    """A plan of which something is refused is no plan that can be carried out."""
    if not isinstance(outcome, ScriptPlan) or not outcome.refusing:
        return
    lines = ", ".join(f"line {each.statement.line}" for each in outcome.refusing)
    findings = [finding for each in outcome.refusing for finding in each.findings]
    raise PlanRefused(
        f"{outcome.script} would end at its first refused statement ({lines})",
        hint="Nothing was changed.",
        findings=findings,
    )
