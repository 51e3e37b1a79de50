"""The file of `ghostpy batch`: a list of migrations, each with the settings of one run."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from ghostpy.cli.conf_file import read_small_file
from ghostpy.cli.config_file import Setting, parsed, read_settings
from ghostpy.cli.guess import guess
from ghostpy.errors import UsageError

_KEYS = ("jobs", "stop-on-failure", "log-dir", "defaults", "migration")
_ENTRY_KEYS = ("name", "after", "profile")
_HEADER = re.compile(r"\s*\[\[\s*migration\s*\]\]")
_EXAMPLE = 'For example: [[migration]] on a line of its own, then table = "orders" and alter = "ADD COLUMN note TEXT".'
_MOST_JOBS = 64


class Entry(Struct, frozen=True):
    """One migration of the list."""

    name: str
    settings: tuple[Setting, ...]
    """Later ones over earlier ones, those for all migrations first."""
    after: tuple[str, ...] = ()
    """Names of those that must have come through before."""
    profile: str = ""


class BatchPlan(Struct, frozen=True):
    entries: tuple[Entry, ...]
    """In an order in which each comes after those that it waits for."""
    jobs: int = 1
    stop_on_failure: bool = False
    log_dir: str = ""


def read_plan(path: str) -> BatchPlan:
    """Read the file. Raises UsageError, naming file and line."""
    text = read_small_file(path, "batch")
    content = parsed(path, text)
    for key in content:
        if key not in _KEYS:
            hint = "Settings for all migrations stand in [defaults], those of one in [[migration]]."
            raise UsageError(f"{path}: {key!r} is not known here.{guess(key, _KEYS)}", hint=hint)
    tables = content.get("migration", [])
    if not isinstance(tables, list) or not tables or not all(isinstance(table, dict) for table in tables):
        raise UsageError(f"{path} lists no migrations.", hint=_EXAMPLE)
    defaults = _of_type(content, "defaults", dict, {}, path)
    profile = _of_type(defaults, "profile", str, "", path)
    common = read_settings({k: v for k, v in defaults.items() if k != "profile"}, path, text, "defaults")
    entries = [
        _entry(table, number, common, profile, path, part)
        for number, (table, part) in enumerate(zip(tables, _parts(text, len(tables)), strict=True), start=1)
    ]
    jobs = _of_type(content, "jobs", int, 1, path)
    if not 1 <= jobs <= _MOST_JOBS:
        raise UsageError(f"{path}: jobs must be between 1 and {_MOST_JOBS}, not {jobs}.")
    return BatchPlan(
        entries=_in_order(entries, path),
        jobs=jobs,
        stop_on_failure=_of_type(content, "stop-on-failure", bool, False, path),
        log_dir=_of_type(content, "log-dir", str, "", path),
    )


def _entry(
    table: Mapping[str, Any], number: int, common: tuple[Setting, ...], profile: str, path: str, text: str
) -> Entry:
    settings = read_settings({k: v for k, v in table.items() if k not in _ENTRY_KEYS}, path, text, "migration")
    name = _of_type(table, "name", str, "", path) or _default_name(settings, number)
    after = table.get("after", [])
    if isinstance(after, str):
        after = [after]
    if not isinstance(after, list) or not all(isinstance(each, str) for each in after):
        raise UsageError(f"{path}: after, of {name}, must be a list of names.")
    return Entry(name, (*common, *settings), tuple(after), _of_type(table, "profile", str, profile, path))


def _default_name(settings: Sequence[Setting], number: int) -> str:
    table = next((str(each.value) for each in settings if each.flag.name == "table"), "")
    return f"{number}-{table}" if table else f"{number}"


def _of_type(table: Mapping[str, Any], key: str, kind: type, default: Any, path: str) -> Any:
    value = table.get(key, default)
    # To Python, true is a number.
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        wanted = {bool: "true or false", int: "a whole number", str: "text in quotes", dict: "a table"}[kind]
        raise UsageError(f"{path}: {key} must be {wanted}, not {value!r}.")
    return value


def _parts(text: str, count: int) -> list[str]:
    """The text of each [[migration]], in lines of the same numbers as in the file."""
    lines = text.splitlines()
    starts = [number for number, line in enumerate(lines) if _HEADER.match(line)]
    if len(starts) != count:  # written as an inline list
        return [text] * count
    ends = [*starts[1:], len(lines)]
    return ["\n" * start + "\n".join(lines[start:end]) for start, end in zip(starts, ends, strict=True)]


def _in_order(entries: Sequence[Entry], path: str) -> tuple[Entry, ...]:
    """Each after those that it waits for, else as they stand in the file."""
    names = [entry.name for entry in entries]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"{path}: two migrations are called {name}.", hint="Give each a name of its own.")
    for entry in entries:
        for other in entry.after:
            if other not in names:
                raise UsageError(
                    f"{path}: {entry.name} is to come after {other!r}, which is not in the list.{guess(other, names)}"
                )
    left, found = list(entries), list[Entry]()
    while left:
        free = {entry.name for entry in found}
        following = next((entry for entry in left if free.issuperset(entry.after)), None)
        if following is None:
            raise UsageError(f"{path}: {', '.join(entry.name for entry in left)} wait for each other.")
        left.remove(following)
        found.append(following)
    return tuple(found)


def default_log_dir(plan: str) -> Path:
    """Beside the plan."""
    path = Path(plan)
    return path.with_name(f"{path.stem}-logs")
