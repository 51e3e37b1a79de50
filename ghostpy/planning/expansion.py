"""May these columns be kept in step with those? What can be told before the server is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from msgspec import Struct

from ghostpy.model.column_map import CopyKey
from ghostpy.model.expansion import Expansion, Expressions, Fit, SideColumn
from ghostpy.model.finding import Finding, Severity
from ghostpy.model.names import TRIGGER_WORD, TableName
from ghostpy.model.table import Column, Generated, Table
from ghostpy.planning.expressions import expression_findings
from ghostpy.settings import ExpandSettings

_TAKES_NO = frozenset(
    {"DEFAULT", "UNIQUE", "PRIMARY", "KEY", "REFERENCES", "CHECK", "CONSTRAINT", "GENERATED", "AS", "AUTO_INCREMENT"}
    | {"ON", "FIRST", "AFTER", "VIRTUAL", "STORED", "PERSISTENT", "INVISIBLE", "SERIAL", "BIGSERIAL", "SMALLSERIAL"}
)
_ZONED = ("FROM_UNIXTIME", "UNIX_TIMESTAMP")
_BOTH_WAYS = "Say how each side is computed from the other: --up for the new columns, --down for the old ones."


class Token(Protocol):
    """What both kinds of tokens have in common."""

    @property
    def name(self) -> str | None: ...

    @property
    def depth(self) -> int: ...

    @property
    def start(self) -> int: ...

    @property
    def end(self) -> int: ...

    def is_word(self, *words: str) -> bool: ...

    def is_symbol(self, symbol: str) -> bool: ...


class Reading(Struct, frozen=True):
    """How one kind of server reads texts and names."""

    tokens: Callable[[str, str], Sequence[Token]]
    spelled: Callable[[str], str]
    """What two names of one column have in common."""


def side_column(name: str, definition: str, reading: Reading) -> tuple[SideColumn, list[Finding]]:
    """A column that is to be added, and what stands against its definition. NOT NULL is taken out of it: it has to wait for the values.

    Raises UsageError where the text cannot be read.
    """
    what = f"--add {name}"
    tokens = reading.tokens(definition, what)
    findings = [
        Finding(
            "add-takes-no",
            f"{what} holds {definition[token.start : token.end]}",
            "A new column is empty until it is filled: give its type, and perhaps NOT NULL, COLLATE and COMMENT. "
            "All else can be added by `ghostpy migrate` once the expansion is contracted.",
        )
        for token in tokens
        if not token.depth and token.is_word(*_TAKES_NO)
    ]
    findings += [
        Finding("add-takes-one", f"{what} holds a comma outside of parentheses", "One --add is for one column.")
        for token in tokens
        if not token.depth and (token.is_symbol(",") or token.is_symbol(";"))
    ]
    if not tokens:
        findings.append(
            Finding("add-has-no-type", f"{what} has no type", 'For example --add "first_name varchar(80)".')
        )
    kept, required, place = "", False, 0
    for word, following in zip(tokens, [*tokens[1:], None], strict=False):
        if word.is_word("NOT") and following is not None and following.is_word("NULL"):
            kept, place, required = kept + definition[place : word.start], following.end, True
    return SideColumn(name, " ".join((kept + definition[place:]).split()), required), findings


def wish_findings(
    table: Table, new: Sequence[SideColumn], up: Expressions, down: Expressions, reading: Reading
) -> list[Finding]:
    """What stands against the wish, as the table is now: columns that there are or are not, expressions that look elsewhere."""
    spelled = reading.spelled
    known = {spelled(column.name): column for column in table.columns}
    added, filled, kept = ({spelled(name) for name in names} for names in (
        [column.name for column in new], [name for name, _ in up], [name for name, _ in down]
    ))  # fmt: skip
    findings = [
        Finding("column-exists", f"{table.name} has a column {column.name} already", "Name a new one.")
        for column in new
        if spelled(column.name) in known
    ]
    for column in new:
        if spelled(column.name) not in filled:
            findings.append(Finding("no-up", f"there is no --up for the new column {column.name}", _BOTH_WAYS))
    findings += [
        Finding("up-of-no-column", f"--up {name} is of no column that --add adds", _BOTH_WAYS)
        for name, _ in up
        if spelled(name) not in added
    ]
    for name, _ in down:
        if spelled(name) not in known:
            findings.append(
                Finding("no-such-column", f"{table.name} has no column {name}, which --down names", _BOTH_WAYS)
            )
        else:
            findings += _old_column_findings(table, known[spelled(name)])
    everywhere = known.keys() | added
    for flag, expressions, side in (("--up", up, kept), ("--down", down, added)):
        for name, text in expressions:
            what = f"{flag} {name}"
            findings += expression_findings(what, text) + _zoned(what, text, reading)
            findings += _elsewhere(what, _used(text, what, reading, everywhere), side, flag)
    return findings


def wished(
    table: Table, wish: ExpandSettings, reading: Reading, side: Callable[[Column], SideColumn]
) -> tuple[Expansion | None, list[Finding]]:
    """The expansion that is asked for, or what stands against it. `side`: an old column as it could be made again."""
    columns = [side_column(name, definition, reading) for name, definition in wish.added]
    new = tuple(column for column, _ in columns)
    findings = [finding for _, some in columns for finding in some]
    findings += wish_findings(table, new, wish.up, wish.down, reading)
    if findings:
        return None, findings
    known = {reading.spelled(name): name for name in (*(c.name for c in table.columns), *(c.name for c in new))}
    up, down = (tuple((known[reading.spelled(name)], text) for name, text in each) for each in (wish.up, wish.down))
    return Expansion(table.name, tuple(side(table.column(name)) for name, _ in down), new, up, down), []


def same_wish(found: Expansion, wish: ExpandSettings, reading: Reading) -> bool:
    """Whether the very expansion is asked for that is there, or none in particular."""
    new = tuple(side_column(name, definition, reading)[0] for name, definition in wish.added)
    pairs = ((wish.up, found.up), (wish.down, found.down))
    return not wish.added or (
        new == found.new and all(_by_name(asked, reading) == _by_name(there, reading) for asked, there in pairs)
    )


def _by_name(expressions: Expressions, reading: Reading) -> dict[str, str]:
    return {reading.spelled(name): text for name, text in expressions}


def _old_column_findings(table: Table, column: Column) -> list[Finding]:
    if column.generated is not Generated.NO or column.auto_increment:
        text = f"{column.name} is a column whose value the server makes"
        return [Finding("generated-column", text, "--down must name a column that the application writes.")]
    if any(index.name == "PRIMARY" and column.name in (index.plain_columns or ()) for index in table.indexes):
        return [Finding("sets-key", f"{column.name} is a part of the primary key", "It cannot be kept in step.")]
    return []


def key_findings(key: CopyKey, old: Iterable[str]) -> list[Finding]:
    """`old`: the columns that `down` sets. Rows are found again by the key, so it must stand still."""
    mine = {column.name for column in key.source_columns}
    return [
        Finding(
            "sets-key",
            f"{name} is a part of the key {key.index}, by which rows are found",
            "It cannot be kept in step.",
        )
        for name in old
        if name in mine
    ]


def _zoned(what: str, text: str, reading: Reading) -> list[Finding]:
    """On MySQL triggers run in the time zone of whoever writes, and the backfill in another."""
    return [
        Finding("time-zone", f"{what} uses {word}, which depends on the session's time zone", "Compute it without.")
        for word in _ZONED
        if any(token.is_word(word) for token in reading.tokens(text, what))
    ]


def _used(text: str, what: str, reading: Reading, columns: Iterable[str]) -> list[str]:
    """The columns of the table that an expression may use. A name before a parenthesis is a function's."""
    tokens, known = list(reading.tokens(text, what)), set(columns)
    found = []
    for token, following in zip(tokens, [*tokens[1:], None], strict=False):
        called = following is not None and (following.is_symbol("(") or following.is_symbol("."))
        if token.name is not None and not called and reading.spelled(token.name) in known:
            found.append(reading.spelled(token.name))
    return list(dict.fromkeys(found))


def _elsewhere(what: str, used: Sequence[str], side: set[str], flag: str) -> list[Finding]:
    others = [name for name in used if name not in side]
    if not others:
        return []
    which = "--down sets, the old side" if flag == "--up" else "--add adds, the new side"
    text = f"{what} uses {', '.join(others)}: it may use only the columns that {which}, for a change of another would go unseen"
    return [Finding("uses-other-column", text, _BOTH_WAYS)]


def computed_defaults(columns: Sequence[str]) -> list[Finding]:
    """`columns`: those of the old side whose defaults are more than constants."""
    if not columns:
        return []
    text = f"the default of {', '.join(columns)} is computed: it cannot be told whether an INSERT gave a value"
    return [Finding("default-computed", text, "Give it a constant default, or none.")]


def fit_findings(source: TableName, fit: Fit) -> list[Finding]:
    """What the rehearsal over the rows that there are has shown."""
    findings = []
    for flag, rows in (("--up", fit.up_misfits), ("--down", fit.down_misfits)):
        if rows:
            where = "the new columns" if flag == "--up" else "the old columns"
            findings.append(
                Finding(
                    "does-not-fit",
                    f"{flag} gives values that {where} cannot hold, for rows of {source} such as {'; '.join(rows)}: writes to such rows would fail",
                    "Make the new columns larger, change the expression, or correct the rows.",
                )
            )
    if fit.changed:
        findings.append(
            Finding(
                "not-given-back",
                f"for {fit.changed} of {fit.rows} rows --down does not give back what --up was given (such as {'; '.join(fit.changed_examples)}): "
                "their old columns change when the new version writes them",
                "See whether that is meant.",
                Severity.WARN,
            )
        )
    return findings


def expansion_findings(table: TableName, triggers: Iterable[str]) -> list[Finding]:
    """Of a table that somebody wants to change: whether it is under expansion."""
    if not any(TRIGGER_WORD in trigger for trigger in triggers):
        return []
    text = f"{table} is being expanded: triggers keep its old and its new columns in step"
    return [Finding("expanded", text, "`ghostpy contract` or `ghostpy rollback` first.")]
