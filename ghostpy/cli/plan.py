"""`ghostpy plan`: how a table would be changed, and what stands against it; as text, Markdown, JSON or a page."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from typing import Any

from rich.console import Console

from ghostpy.cli import apply
from ghostpy.cli.config_file import usual_places
from ghostpy.cli.connection import ask_password
from ghostpy.cli.flags import check_flags, read_flags, refuse_to_execute
from ghostpy.cli.invocation import read_invocation
from ghostpy.cli.migrate import run_to_end
from ghostpy.cli.own_parser import OwnParser
from ghostpy.cli.plan_document import plan_document, plan_markdown, refusal_document, refusal_markdown
from ghostpy.cli.plan_page import plan_page
from ghostpy.cli.plan_schema import schema_text
from ghostpy.cli.plan_text import plan_rows, print_plan
from ghostpy.cli.process_list import forget_secrets
from ghostpy.cli.redaction import redact
from ghostpy.dialects import names_of
from ghostpy.errors import PlanRefused
from ghostpy.model.plan import Plan
from ghostpy.model.progress import Progress, RunReport
from ghostpy.settings import MigrateSettings

HELP = """\
Usage: ghostpy plan --url … --table TABLE --alter "…"|--desired FILE [--format text|markdown|json|html] [flags of migrate]
       ghostpy plan SCRIPT.sql --url … [--format …] [flags of apply]

Says how a table would be changed: the strategy and why, its steps, what becomes of each column, what to look out for; or all that stands
against the change (exit code 3). The server is asked, on an empty clone of the table that is gone again afterwards. The same as
`ghostpy migrate` without --execute, for people and programs alike: see docs/plan.md. --format html gives a page for a change ticket;
--schema prints the JSON Schema of --format json, and asks no server. Of a script it says what `ghostpy apply` without --execute says.
"""
_FORMATS = ("text", "markdown", "json", "html")


def run(argv: Sequence[str]) -> int:
    """Carry out one call; the exit code. Raises GhostpyError where it fails."""
    if any(argument.lstrip("-") == "help" for argument in argv):
        print(HELP, end="")
        return 0
    if argv and not argv[0].startswith("-"):
        return apply.run(argv, plan=True)
    parser = OwnParser("plan")
    parser.add_argument("--format", choices=_FORMATS, default="text")
    parser.add_argument("--schema", action="store_true")
    own, rest = parser.parse_known_args(argv)
    if own.schema:
        print(schema_text(), end="")
        return 0
    values = read_flags(rest, os.environ, usual_places(os.environ))
    refuse_to_execute(values, "migrate")
    check_flags(values)
    if values.switch("check-flag"):
        return 0
    invocation = read_invocation(values, os.environ, ask_password)
    forget_secrets(os.environ)
    notes = Notes()
    for note in invocation.notes:
        notes.happened(note, warning=True)
    return _planned(invocation.settings, notes, own.format)


def _planned(settings: MigrateSettings, notes: Notes, form: str) -> int:
    try:
        plan = run_to_end(settings, notes)
    except PlanRefused as refused:
        if form == "text":
            raise
        table = str(names_of(settings)[0])
        if form == "json":
            _print_json(refusal_document(refused, table, settings))
        elif form == "html":
            print(redact(plan_page(refusal_document(refused, table, settings))), end="")
        else:
            print(redact(refusal_markdown(refused, table, settings)), end="")
        return refused.exit_code
    assert isinstance(plan, Plan)
    if form == "json":
        _print_json(plan_document(plan, settings))
    elif form == "html":
        print(redact(plan_page(plan_document(plan, settings), plan_rows(plan, settings))), end="")
    elif form == "markdown":
        print(redact(plan_markdown(plan, settings)), end="")
    else:
        print_plan(plan, settings, Console(highlight=False, soft_wrap=False))
    return 0


def _print_json(document: Any) -> None:
    print(redact(json.dumps(document, indent=2, ensure_ascii=False)))


class Notes:
    """Fulfils `Observer`: warnings go to stderr, beside the plan."""

    def planned(self, plan: Plan, definition: str) -> None:
        return

    def progressed(self, progress: Progress) -> None:
        return

    def happened(self, text: str, *, warning: bool = False) -> None:
        if warning:
            print(redact(text), file=sys.stderr)

    def ended(self, report: RunReport) -> None:
        return
