"""A case is a folder of small files; README.md beside this module says what goes into them. No server here."""

from __future__ import annotations

import random
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeAlias

HERE = Path(__file__).parent

Transaction: TypeAlias = tuple[str, ...]
"""Statements that belong together, with their placeholders still in them."""

_TOKENS = re.compile(
    r"""
    (?P<repeat>--\ repeat\ (?P<times>\d+)[^\n]*) | (?P<comment>--[ \t][^\n]*|--$)
    | (?P<dollars>\$(?P<tag>\w*)\$.*?\$(?P=tag)\$)
    | (?P<quoted>'(?:[^'\\]|\\.|'')*' | "(?:[^"\\]|\\.|"")*" | `(?:[^`]|``)*`)
    | (?P<end>;) | (?P<other>[^-'"`;$]+|.)
    """,
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
_PLACEHOLDER = re.compile(
    r"""\{(?:(?P<number>n)|(?P<low>-?\d+)\.\.(?P<high>-?\d+)
    |(?P<choices>[^{}]*\|[^{}]* | (?:[^{}']|'[^']*')*\|(?:[^{}']|'[^']*')*))\}""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Expected:
    """How the run ends: well, or with the error class `error` and these pieces of text in its message."""

    error: str | None = None
    message: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """One folder. The fields from `alter` on are the keys of `case.toml`."""

    folder: Path
    create: Sequence[Transaction]
    writes: Sequence[Transaction]
    after: Sequence[Transaction]
    twin: Sequence[Transaction]
    checks: Sequence[str]
    alter: str
    about: str = ""
    table: str = "t"
    transforms: dict[str, str] = field(default_factory=dict)
    where: str | None = None
    session: str = ""
    globals: dict[str, str | int] = field(default_factory=dict)
    server: dict[str, str | int] = field(default_factory=dict)
    copy: dict[str, Any] = field(default_factory=dict)
    target: dict[str, Any] = field(default_factory=dict)
    connect: dict[str, Any] = field(default_factory=dict)
    schema: str = "public"
    versions: tuple[int, ...] = ()
    not_on_mariadb: str = ""
    makes: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    uncompared: tuple[str, ...] = ()
    stop_at_exchange: bool = False
    expect: Expected = Expected()

    @property
    def name(self) -> str:
        return self.folder.name


_KEYS = {each.name for each in fields(Case)} - {"folder", "create", "writes", "after", "twin", "checks"}


def cases_of(dialect: str) -> list[Case]:
    """All cases below the folder `dialect`."""
    return [load(folder.parent) for folder in sorted((HERE / dialect).glob("*/case.toml"))]


def load(folder: Path) -> Case:
    """The case in `folder`. Raises ValueError where its files make no sense."""
    told = tomllib.loads((folder / "case.toml").read_text())
    if unknown := told.keys() - _KEYS:
        raise ValueError(f"{folder.name}/case.toml: unknown keys {sorted(unknown)}")
    told["expect"] = Expected(**{k: tuple(v) if isinstance(v, list) else v for k, v in told.get("expect", {}).items()})
    for key in ("ignore", "uncompared", "versions", "makes"):
        told[key] = tuple(told.get(key, ()))
    parts = {part: transactions(_text(folder / f"{part}.sql")) for part in ("create", "writes", "after", "twin")}
    checks = [statement for each in transactions(_text(folder / "checks.sql")) for statement in each]
    return Case(folder=folder, **parts, checks=checks, **told)


def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def transactions(text: str) -> list[Transaction]:
    """The statements of a file, each a transaction of its own where no BEGIN … COMMIT keeps several together."""
    found: list[Transaction] = []
    gathered: list[str] | None = None
    for statement, times in _statements(text):
        word = statement.upper()
        if word == "BEGIN":
            gathered = []
        elif word == "COMMIT" and gathered is not None:
            found.append(tuple(gathered))
            gathered = None
        elif gathered is not None:
            gathered.append(statement)
        else:
            found.extend((text,) for text in _repeated(statement, times))
    return found


def _repeated(statement: str, times: int | None) -> list[str]:
    return [statement] if times is None else [statement.replace("{n}", str(n)) for n in range(1, times + 1)]


def _statements(text: str) -> Iterator[tuple[str, int | None]]:
    pieces: list[str] = []
    times: int | None = None
    for token in _TOKENS.finditer(text):
        if token["repeat"]:
            times = int(token["times"])
        elif token["end"]:
            yield "".join(pieces).strip(), times
            pieces, times = [], None
        elif not token["comment"]:
            pieces.append(token[0])
    if rest := "".join(pieces).strip():
        yield rest, times


def filled_in(statement: str, number: int, chance: random.Random) -> str:
    """`statement` with its placeholders replaced."""

    def value(found: re.Match[str]) -> str:
        if found["number"]:
            return str(number)
        if found["low"]:
            return str(chance.randint(int(found["low"]), int(found["high"])))
        return chance.choice(found["choices"].split("|"))

    return _PLACEHOLDER.sub(value, statement)
