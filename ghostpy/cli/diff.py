"""`ghostpy diff`: what leads from a table to its CREATE TABLE as it should be; as SQL or JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from functools import partial

from ghostpy.assembly.desired import find_difference
from ghostpy.cli.config_file import usual_places
from ghostpy.cli.connection import ask_password
from ghostpy.cli.diff_text import difference_document, difference_sql
from ghostpy.cli.flag_table import FLAGS
from ghostpy.cli.flags import Origin, check_flags, read_flags
from ghostpy.cli.invocation import read_invocation
from ghostpy.cli.migrate import ended_by_signals
from ghostpy.cli.own_parser import OwnParser
from ghostpy.cli.plan import Notes
from ghostpy.cli.process_list import forget_secrets
from ghostpy.cli.redaction import redact
from ghostpy.errors import SchemaDiffers, UsageError

HELP = f"""\
Usage: ghostpy diff --url … --desired FILE [--table TABLE] [--rename-column OLD=NEW]… [--format text|json] [flags of migrate]

Says what leads from a table to the one that the CREATE TABLE in FILE describes, and changes nothing: exit code 0 where there is nothing to
do, {SchemaDiffers.exit_code} where there is. The server reads both tables, so that only real differences are found; what no single ALTER can do is refused (3).
The output is SQL. `ghostpy plan --desired FILE` says how it would be done, `ghostpy migrate --desired FILE --execute` does it. See docs/diff.md.
"""
_FORMATS = ("text", "json")


def run(argv: Sequence[str]) -> int:
    """Carry out one call; the exit code. Raises GhostpyError where it fails."""
    if any(argument.lstrip("-") == "help" for argument in argv):
        print(HELP, end="")
        return 0
    parser = OwnParser("diff")
    parser.add_argument("--format", choices=_FORMATS, default="text")
    own, rest = parser.parse_known_args(argv)
    values = read_flags(rest, os.environ, usual_places(os.environ))
    for name in ("execute", "alter", "revert"):
        if values.value(name) and values.origin(name) is Origin.COMMAND_LINE:
            raise UsageError(f"--{name} means nothing to diff.", hint="See `ghostpy diff --help`.")
        # In a file or the environment it is meant for runs.
        values.put(FLAGS[name], FLAGS[name].default, Origin.COMMAND_LINE, "ghostpy diff")
    if not values.text("desired"):
        raise UsageError(
            "--desired must be given: a file with the CREATE TABLE as it should be.", hint="See `ghostpy diff --help`."
        )
    check_flags(values)
    if values.switch("check-flag"):
        return 0
    invocation = read_invocation(values, os.environ, ask_password)
    forget_secrets(os.environ)
    notes = Notes()
    for note in invocation.notes:
        notes.happened(note, warning=True)
    found = ended_by_signals(partial(find_difference, invocation.settings), invocation.settings, notes)
    if own.format == "json":
        print(redact(json.dumps(difference_document(found, invocation.settings), indent=2, ensure_ascii=False)))
    else:
        print(redact(difference_sql(found, invocation.settings, values.text("desired"))), end="")
    return 0 if found.equal else SchemaDiffers.exit_code
