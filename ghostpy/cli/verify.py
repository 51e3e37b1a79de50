"""`ghostpy verify`: compare two tables row by row, at any time, and leave nothing."""

from __future__ import annotations

import argparse
import asyncio
import os
import textwrap
from collections.abc import Mapping, Sequence
from contextlib import nullcontext

from rich.console import Console

from ghostpy.assembly.comparing import compare
from ghostpy.cli.change_text import TEXTS
from ghostpy.cli.commands import OWN_OF_VERIFY
from ghostpy.cli.config_file import usual_places
from ghostpy.cli.connection import Connection, ask_password
from ghostpy.cli.flags import FlagValues, read_flags
from ghostpy.cli.invocation import copy_settings, read_pair, read_transforms
from ghostpy.cli.known_flags import check_known
from ghostpy.cli.own_parser import OwnParser
from ghostpy.cli.throttle_flags import throttle_settings
from ghostpy.cli.verify_text import conclusion, result_json, result_lines, what_is_compared
from ghostpy.errors import TablesDiffer, UsageError
from ghostpy.model.difference import Comparison
from ghostpy.observe.figures import whole
from ghostpy.protocols import Pair
from ghostpy.settings import PairSettings

_USAGE = """\
Usage: ghostpy verify --url … --table TABLE [--other TABLE] [flags]

Compares two tables of a server row by row, by digests made on the server, and prints how many rows differ, and some
of their keys. Nothing is changed, locked or left behind. Without --other the table is compared with what a run has
kept of it: the old table, else the shadow. See docs/verify.md.

  --other TABLE             the other table; [database.]table, on PostgreSQL [schema.]table
  --renamed OLD=NEW         a column of the first table has another name in the second; may be repeated
  --transform COLUMN=SQL    a column of the second table is made from a row of the first; may be repeated
  --where SQL               only these rows of the first table are in the second
  --max-differences NUMBER  give up where there are more [10000]
  --again-after SECONDS     look again at differences after so long [2]
  --json                    print the result as JSON

Exit codes: 0 the tables are equal; 19 they differ, or it cannot be said that they do not; else as of ghostpy migrate.
"""
_HINT = "See `ghostpy verify --help`."
_DEFAULTS = PairSettings()
_OWN = ("other", "renamed", "max-differences", "again-after", "json")


def run(argv: Sequence[str]) -> int:
    """Carry out one call; the exit code. Raises GhostpyError where it fails, TablesDiffer where they do."""
    own, rest = _parser().parse_known_args(argv)
    values = read_flags(rest, os.environ, usual_places(os.environ))
    if values.switch("help"):
        flags = ", ".join(f"--{name}" for name in OWN_OF_VERIFY if name not in (*_OWN, "transform", "where"))
        taken = f"Of its flags these are taken, too: those of the connection, {flags}."
        print(_USAGE + textwrap.fill(taken, 115, break_on_hyphens=False))
        return 0
    check_known(values, OWN_OF_VERIFY, "verify")
    settings = _settings(values, own, os.environ)
    shown = Console(highlight=False, soft_wrap=True)
    aside = Console(stderr=True, highlight=False, soft_wrap=True)
    pair, found = asyncio.run(_compared(settings, aside, quiet=values.switch("quiet")))
    if own.json:
        shown.print(result_json(pair, found), markup=False)
    elif not values.switch("quiet"):
        for line in (*what_is_compared(pair), *result_lines(pair, found)):
            shown.print(line, markup=False)
    if not found.equal:
        raise TablesDiffer(conclusion(pair, found, settings.connect.address))
    return 0


async def _compared(settings: PairSettings, aside: Console, *, quiet: bool) -> tuple[Pair, Comparison]:
    pairs: list[Pair] = []
    with aside.status("comparing …") if aside.is_terminal and not quiet else nullcontext() as status:

        def progressed(found: Comparison, reason: str | None) -> None:
            if status is not None:
                of = f" of about {whole(pairs[0].rows_estimate)}" if pairs[0].rows_estimate else ""
                status.update(f"{whole(found.rows)}{of} rows{f'; resting: {reason}' if reason else ''}")

        found = await compare(
            settings, paired=pairs.append, progressed=progressed, warned=lambda text: aside.print(text, markup=False)
        )
    return pairs[0], found


def _settings(values: FlagValues, own: argparse.Namespace, environment: Mapping[str, str]) -> PairSettings:
    connection = Connection(values, environment, ask_password)
    text = TEXTS[connection.dialect]
    named = text.named("", values.text("database") or connection.database, values.text("table"))
    missing = [flag for flag, given in (("--database", named.database), ("--table", named.table)) if not given]
    if missing:
        raise UsageError(f"{' and '.join(missing)} must be given.", hint=_HINT)
    if own.max_differences < 0 or not 0 <= own.again_after <= 3600:
        raise UsageError("--max-differences must not be negative, and --again-after between 0 and 3600.", hint=_HINT)
    where = values.text("where")
    return PairSettings(
        database=named.database,
        table=named.table,
        other=own.other or "",
        force_table_names=values.text("force-table-names") or None,
        renamed=tuple(read_pair(each, text, "--renamed") for each in own.renamed),
        transforms=read_transforms(values.several("transform"), text),
        where=text.expression(where, "--where") if where.strip() else None,
        copy=copy_settings(values),
        throttle=throttle_settings(values),
        limit=own.max_differences,
        again_seconds=own.again_after,
        # Last, so that nobody is asked for a password in vain.
        connect=connection.settings(),
    )


def _parser() -> argparse.ArgumentParser:
    parser = OwnParser("verify")
    parser.add_argument("--other")
    parser.add_argument("--renamed", action="append", default=[])
    parser.add_argument("--max-differences", type=int, default=_DEFAULTS.limit)
    parser.add_argument("--again-after", type=float, default=_DEFAULTS.again_seconds)
    parser.add_argument("--json", action="store_true")
    return parser
