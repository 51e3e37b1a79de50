"""`ghostpy batch`: a list of migrations from a file."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from msgspec import to_builtins
from rich.table import Table
from rich.text import Text

from ghostpy.cli.batch_plan import BatchPlan, Entry, default_log_dir, read_plan
from ghostpy.cli.batch_run import BatchRun, Job, Result
from ghostpy.cli.config_file import ConfigFile, Setting, find_config, usual_places
from ghostpy.cli.console import table_console
from ghostpy.cli.flag import Value
from ghostpy.cli.flags import check_flags, given_arguments, read_flags
from ghostpy.cli.invocation import read_invocation
from ghostpy.cli.own_parser import OwnParser
from ghostpy.dialects import names_of
from ghostpy.errors import BatchIncomplete, Interrupted, UsageError
from ghostpy.observe.figures import duration
from ghostpy.settings import MigrateSettings
from ghostpy.throttle import deadlines, windows

_USAGE = """\
Usage: ghostpy batch PLAN.toml [--jobs=N] [--stop-on-failure] [--log-dir=DIR] [--json] [flags of migrate]

Carries out the migrations that the file lists, each as `ghostpy migrate` does and in a process of its own, which writes
to a log of its own. The flags of migrate that are given here count for each of them, and more than what stands in
the file. As with migrate nothing is changed without --execute (or execute = true). What is done already is skipped, so
the same command goes on where it ended. See docs/cron.md.
"""
_HERE_ONLY = ("config", "profile", "ask-pass", "help", "version", "check-flag")


def run(argv: Sequence[str]) -> int:
    """Carry out one call; the exit code. Raises GhostpyError where not all migrations came through."""
    if not argv or any(each in ("--help", "-help", "-h") for each in argv):
        print(_USAGE, end="", file=sys.stdout if argv else sys.stderr)
        return 0 if argv else UsageError.exit_code
    if argv[0].startswith("-"):
        raise UsageError(
            "The plan must stand first: ghostpy batch PLAN.toml [flags].", hint="See `ghostpy batch --help`."
        )
    own, rest = _parser().parse_known_args(argv[1:])
    given = list(given_arguments(rest))
    plan = read_plan(argv[0])
    folder = Path(own.log_dir or plan.log_dir or default_log_dir(argv[0]))
    quiet = read_flags(rest, os.environ, usual_places(os.environ)).switch("quiet")
    environment = {
        name: value for name, value in os.environ.items() if name not in ("GHOSTPY_PROFILE", "GHOSTPY_CONFIG")
    }
    with _prepared(plan, given, folder, environment) as jobs:
        batch = BatchRun(
            jobs=jobs,
            limit=own.jobs or plan.jobs,
            stop_on_failure=own.stop_on_failure or plan.stop_on_failure,
            environment=environment,
            told=_untold if own.json else _tell,
        )
        results = asyncio.run(batch.run())
    if own.json:
        print(json.dumps({"migrations": [to_builtins(each) for each in results]}, indent=2, ensure_ascii=False))
    elif not quiet:
        _show(results)
    _judge(results, batch)
    return 0


def _parser() -> OwnParser:
    parser = OwnParser("batch")
    parser.add_argument("--jobs", type=int, choices=range(1, 65), metavar="1…64")
    parser.add_argument("--log-dir")
    parser.add_argument("--stop-on-failure", action="store_true")
    parser.add_argument("--json", action="store_true")
    return parser


@contextmanager
def _prepared(
    plan: BatchPlan, given: Sequence[Setting], folder: Path, environment: Mapping[str, str]
) -> Iterator[Sequence[Job]]:
    """The migrations, all of them looked at before the first one starts; their settings are in files for the length of the block."""
    began = datetime.now(UTC)
    named = {each.flag.name: str(each.value) for each in given}
    if named.get("ask-pass") == "True":
        raise UsageError("--ask-pass: a batch cannot ask.", hint="Use --password-file.")
    arguments = [f"--{each.flag.name}={_spelled(each.value)}" for each in given if each.flag.name not in _HERE_ONLY]
    with tempfile.TemporaryDirectory(prefix="ghostpy-batch-") as place:
        jobs: list[Job] = []
        tables: dict[object, list[str]] = {}
        for number, entry in enumerate(plan.entries):
            config = _config(entry, named, environment)
            path = Path(place) / f"{number}.toml"
            _write(path, (*config.settings, *entry.settings))
            call = (f"--config={path}", *arguments)
            settings = _looked_at(entry, call, environment)
            # The whole batch has one end: a time of day must not become tomorrow's for those that start behind it.
            deadline = _deadline(settings, began)
            call = (*call, f"--deadline={deadline.isoformat()}") if deadline else call
            earlier = tables.setdefault(_same_table(settings), [])
            jobs.append(
                Job(
                    name=entry.name,
                    table=str(names_of(settings)[0]),
                    arguments=call,
                    log=folder / f"{re.sub(r'[^A-Za-z0-9._-]', '_', entry.name)}.log",
                    after=entry.after,
                    behind=tuple(earlier),
                    deadline=deadline,
                )
            )
            earlier.append(entry.name)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"--log-dir: {folder} cannot be made ({error.strerror}).") from None
        yield jobs


def _config(entry: Entry, named: Mapping[str, str], environment: Mapping[str, str]) -> ConfigFile:
    """The configuration file that stands below the plan."""
    config = named.get("config", os.environ.get("GHOSTPY_CONFIG") or None)
    profile = entry.profile or named.get("profile") or os.environ.get("GHOSTPY_PROFILE", "")
    return find_config(config, profile, usual_places(environment))


def _looked_at(entry: Entry, call: Sequence[str], environment: Mapping[str, str]) -> MigrateSettings:
    try:
        values = read_flags(call, environment)
        check_flags(values)
        return read_invocation(values, environment, lambda prompt: "").settings
    except UsageError as error:
        raise UsageError(f"The migration {entry.name}: {error.message}", hint=error.hint) from error


def _deadline(settings: MigrateSettings, began: datetime) -> datetime | None:
    throttle = settings.throttle
    return deadlines.deadline(throttle.deadline, began, windows.parsed(throttle.window))


def _same_table(settings: MigrateSettings) -> object:
    connect, target = settings.connect, settings.target
    return connect.dialect, connect.address, connect.dsn, target.database, target.table


def _spelled(value: Value) -> str:
    if isinstance(value, tuple):
        return "".join(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _write(path: Path, settings: Sequence[Setting]) -> None:
    """Passwords may be among them."""
    merged = {each.flag.name: each for each in settings}
    # As JSON writes these values, TOML reads them.
    lines = [f"{name} = {json.dumps(_plain(each), ensure_ascii=False)}" for name, each in merged.items()]
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write("\n".join([*lines, ""]).replace("\x7f", "\\u007f"))


def _plain(setting: Setting) -> object:
    return list(setting.value) if isinstance(setting.value, tuple) else setting.value


def _tell(result: Result) -> None:
    print(f"ghostpy: {result.name} ({result.table}): {result.summary}", flush=True)


def _untold(result: Result) -> None:
    return


def _show(results: Sequence[Result]) -> None:
    table = Table(show_lines=False)
    for heading in ("Migration", "Table", "State", "Time", "Summary", "Log"):
        table.add_column(heading, overflow="fold")
    for each in results:
        style = "" if each.came_through else "yellow"
        took = duration(each.seconds) if each.exit is not None else ""
        cells = (each.name, each.table, each.state, took, each.summary, each.log)
        table.add_row(*(Text(cell, style) for cell in cells))
    console = table_console()
    console.print(table)


def _judge(results: Sequence[Result], batch: BatchRun) -> None:
    """Raise the error that the exit code comes from, where there is one."""
    missing = [each for each in results if not each.came_through]
    names = ", ".join(each.name for each in missing)
    text = f"{len(missing)} of {len(results)} migrations did not come through: {names}"
    if batch.signalled is not None:
        hint = "Run the same command again: what is done is skipped."
        raise Interrupted(f"{batch.signalled.name} ended the batch; {text}", signal_number=batch.signalled, hint=hint)
    if missing:
        raise BatchIncomplete(text, codes={each.exit for each in missing if each.exit is not None})
