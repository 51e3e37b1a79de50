"""What `ghostpy expand`, `contract` and `rollback` have in common: flags, the plan in words, the end."""

from __future__ import annotations

import json
import os
import textwrap
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any

from msgspec import to_builtins
from msgspec.structs import replace
from rich.console import Console

from ghostpy.cli.change_text import TEXTS
from ghostpy.cli.commands import OWN_OF_EXPANSIONS
from ghostpy.cli.config_file import usual_places
from ghostpy.cli.connection import Connection, ask_password
from ghostpy.cli.failure import exit_code
from ghostpy.cli.flags import FlagValues, read_flags
from ghostpy.cli.invocation import Invocation, read_invocation, read_transforms
from ghostpy.cli.known_flags import check_known
from ghostpy.cli.own_parser import OwnParser
from ghostpy.cli.process_list import forget_secrets
from ghostpy.cli.redaction import redact
from ghostpy.cli.signalled import Work, run_signalled
from ghostpy.cli.watching import is_live, watching
from ghostpy.dialects import names_of
from ghostpy.errors import UsageError
from ghostpy.model.expansion import ExpansionPlan, ExpansionReport
from ghostpy.model.finding import Severity
from ghostpy.observe.from_logging import told_to
from ghostpy.observe.log import Level
from ghostpy.protocols import Observer
from ghostpy.settings import ExpandSettings, MigrateSettings, TargetSettings

Outcome = ExpansionPlan | ExpansionReport
Start = Callable[[MigrateSettings, Observer], Coroutine[Any, Any, Outcome]]

_FORMATS = ("text", "json")
_WIDTH = 110


def call(
    argv: Sequence[str],
    command: str,
    usage: str,
    start: Start,
    parser: OwnParser,
    wish: Callable[[Any, str], ExpandSettings],
) -> int:
    """Carry out one call of `command`; the exit code. `wish`: what the command's own flags ask for, of a kind of server.

    Raises GhostpyError where it fails.
    """
    parser.add_argument("--format", choices=_FORMATS, default="text")
    own, rest = parser.parse_known_args(argv)
    values = read_flags(rest, os.environ, usual_places(os.environ))
    if values.switch("help"):
        taken = f"Of migrate's flags these are taken, too: those of the connection, {', '.join(f'--{name}' for name in OWN_OF_EXPANSIONS)}."
        print(usage + textwrap.fill(taken, 115, break_on_hyphens=False))
        return 0
    check_known(values, OWN_OF_EXPANSIONS, command)
    if values.switch("check-flag"):
        return 0
    wished: list[ExpandSettings] = []

    def target_of(values: FlagValues, connection: Connection) -> TargetSettings:
        wished.append(wish(own, connection.dialect))
        return _target(values, connection, command)

    invocation = read_invocation(values, os.environ, ask_password, target_of)
    invocation = replace(invocation, settings=replace(invocation.settings, expand=wished[0]))
    forget_secrets(os.environ)
    console = Console(highlight=False, soft_wrap=False)
    try:
        outcome = _to_end(invocation, console, start, command)
    except BrokenPipeError:
        raise
    except (Exception, KeyboardInterrupt) as error:
        if invocation.observe.log_format != "json":
            raise
        return exit_code(error)  # the log has told of it, as a line of its own kind
    _show(outcome, invocation, own.format)
    return 0


def pairs(texts: Sequence[str], dialect: str, flag: str) -> tuple[tuple[str, str], ...]:
    """The columns and expressions of `--up` or `--down`. Raises UsageError."""
    rules = TEXTS[dialect]
    found = read_transforms(texts, rules, flag)
    for column, expression in found:
        if rules.commas(expression, f"{flag} {column}"):
            raise UsageError(
                f"{flag} {column} holds a comma outside of parentheses: one {flag} is for one column.",
                hint="Nothing was sent to the server.",
            )
    return found


def added(texts: Sequence[str], dialect: str) -> tuple[tuple[str, str], ...]:
    """The columns and definitions of `--add`. Raises UsageError."""
    rules = TEXTS[dialect]
    found: list[tuple[str, str]] = []
    for text in texts:
        if not text.strip():
            raise UsageError("--add is empty.", hint='For example --add "first_name varchar(80)".')
        name, definition = rules.defined(text, f"--add {text!r}")
        if rules.folded(name) in [rules.folded(other) for other, _ in found]:
            raise UsageError(f"--add names the column {name} twice.")
        found.append((name, definition))
    return tuple(found)


def _target(values: FlagValues, connection: Connection, command: str) -> TargetSettings:
    named = TEXTS[connection.dialect].named("", values.text("database") or connection.database, values.text("table"))
    missing = [flag for flag, value in (("--database", named.database), ("--table", named.table)) if not value]
    if missing:
        raise UsageError(f"{' and '.join(missing)} must be given.", hint=f"See `ghostpy {command} --help`.")
    return TargetSettings(
        database=named.database, table=named.table, force_table_names=values.text("force-table-names") or None
    )


def _to_end(invocation: Invocation, console: Console, start: Start, command: str) -> Outcome:
    table = str(names_of(invocation.settings)[0])
    left = f"{table} may be in the middle of it: the same command goes on from there."
    with (
        watching(invocation, lambda: console, live=is_live(invocation, lambda: console)) as observer,
        told_to(observer),
    ):
        for note in invocation.notes:
            observer.happened(note, warning=True)
        work = Work(
            start=partial(start, invocation.settings, observer),
            became=lambda notes: (
                " ".join(notes) or f"`ghostpy {command}` has not come to its end: the same command goes on"
            ),
            left=lambda: left,
        )
        return run_signalled(work, observer)


def _show(outcome: Outcome, invocation: Invocation, form: str) -> None:
    if form == "json":
        print(redact(json.dumps(_document(outcome), indent=2, ensure_ascii=False)))
    elif isinstance(outcome, ExpansionReport):
        if invocation.level is not Level.QUIET:
            print(redact(outcome.text))
    else:
        print(redact(plan_text(outcome)), end="")


def _document(outcome: Outcome) -> dict[str, Any]:
    expansion = {
        **to_builtins(outcome.expansion),
        "source": str(outcome.expansion.source),
        "phase": outcome.expansion.phase.value,
    }
    told: dict[str, Any] = {"command": outcome.course.value, "expansion": expansion}
    if isinstance(outcome, ExpansionReport):
        return {**told, "done": outcome.text}
    findings = [{**to_builtins(finding), "severity": finding.severity.value} for finding in outcome.findings]
    return {**told, "steps": list(outcome.steps), "findings": findings, "lost": outcome.lost}


def plan_text(plan: ExpansionPlan) -> str:
    """The plan for people."""
    lines = [f"Plan of `ghostpy {plan.course.value}` for {plan.expansion.source}"]
    for step in plan.steps:
        sql = "\n" in step or step.split(" ", 1)[0].isupper()
        lines += textwrap.indent(step, "      ").splitlines() if sql else _wrapped(step, "  - ")
    for finding in plan.findings:
        if finding.severity is Severity.WARN:
            lines += _wrapped(f"look out: {finding.text}. {finding.way_out}", "  ! ")
    if plan.lost:
        lines += _wrapped(f"lost: {plan.lost}.", "  ! ")
    return "\n".join([*lines, "This was a dry run: nothing was changed. Add --execute to do it.", ""])


def _wrapped(text: str, begin: str) -> list[str]:
    return textwrap.wrap(
        text, _WIDTH, initial_indent=begin, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False
    )
