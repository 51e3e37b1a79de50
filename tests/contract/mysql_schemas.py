"""Random tables for MySQL and MariaDB, as CREATE TABLE texts, and random changes of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hypothesis import strategies as st

_WHOLE = ("INT", "INTEGER", "INT UNSIGNED", "BIGINT", "SMALLINT", "TINYINT(1)", "BOOLEAN", "MEDIUMINT", "INT(7)")
_STRINGS = ("VARCHAR(20)", "VARCHAR(60)", "CHAR(5)", "CHARACTER VARYING(30)", "ENUM('x','it''s')", "SET('p','q')")
_LONG = ("TEXT", "MEDIUMTEXT")
_OTHERS = (
    "DECIMAL(10,2)",
    "DEC(6,3)",
    "NUMERIC(8)",
    "DOUBLE",
    "FLOAT",
    "DATE",
    "DATETIME",
    "DATETIME(3)",
    "TIMESTAMP NULL",
    "TIME(2)",
)
_BYTES = ("VARBINARY(20)", "BIT(3)", "YEAR", "JSON")
_CHARSETS = (
    "",
    " CHARACTER SET latin1",
    " CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
    " COLLATE utf8mb4_unicode_ci",
    " CHARSET ascii",
)
_COMMENTS = ("", " COMMENT 'plain'", r" COMMENT 'it''s; \\ -- /* \n'", " COMMENT 'größe'")
_NAMES = ("a", "b", "c", "d", "e", "Odd `name", "größe")


def quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


@dataclass(frozen=True)
class Column:
    """`base`: what it can be indexed and changed like."""

    name: str
    text: str
    base: str

    @property
    def line(self) -> str:
        return f"{quoted(self.name)} {self.text}"


@dataclass(frozen=True)
class Schema:
    columns: tuple[Column, ...]
    primary: str
    extras: tuple[str, ...]
    """Indexes and CHECK constraints."""
    options: str

    def create(self, table: str) -> str:
        lines = [*(column.line for column in self.columns), self.primary, *self.extras]
        listed = ",\n  ".join(lines)
        return f"CREATE TABLE {table} (\n  {listed}\n){self.options}"


@st.composite
def columns(draw: st.DrawFn, name: str, *, generated: bool) -> Column:
    kinds = ["whole", "string", "long", "other", "bytes"] + (["virtual", "stored"] if generated else [])
    kind = draw(st.sampled_from(kinds))
    comment = draw(st.sampled_from(_COMMENTS))
    if kind in ("virtual", "stored"):
        expression = draw(st.sampled_from(["n + 1", "n * 2", "CONCAT('v', n)"]))
        of = "VARCHAR(40)" if "CONCAT" in expression else "BIGINT"
        return Column(name, f"{of} GENERATED ALWAYS AS ({expression}) {kind.upper()}{comment}", kind)
    null = draw(st.sampled_from(["", " NOT NULL", " NULL"]))
    if kind == "whole":
        of = draw(st.sampled_from(_WHOLE))
        default = draw(st.sampled_from(["", " DEFAULT 7", " DEFAULT '3'"]))
    elif kind == "string":
        of = draw(st.sampled_from(_STRINGS)) + draw(st.sampled_from(_CHARSETS))
        default = draw(st.sampled_from(["", " DEFAULT 'x'" if "SET" not in of[:3] else " DEFAULT 'p'"]))
    elif kind == "long":
        of, default = draw(st.sampled_from(_LONG)) + draw(st.sampled_from(_CHARSETS)), ""
    elif kind == "other":
        of = draw(st.sampled_from(_OTHERS))
        default = ""
        if of.startswith(("DATETIME(3)",)):
            default = draw(st.sampled_from(["", " DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3)"]))
        if of.startswith(("DEC", "NUM", "DOUBLE")):
            default = draw(st.sampled_from(["", " DEFAULT 1.5", " DEFAULT (1 + 1)"]))
        null = "" if "NULL" in of else null
    else:
        of, default = draw(st.sampled_from(_BYTES)), ""
    return Column(name, f"{of}{null}{default}{comment}", kind)


@st.composite
def extras(draw: st.DrawFn, of: tuple[Column, ...], *, checks: bool = True) -> tuple[str, ...]:
    lines = []
    for number in range(draw(st.integers(0, 3))):
        column = draw(st.sampled_from(of))
        part = quoted(column.name) + ("(7)" if column.base == "long" else "")
        if "JSON" in column.text:
            continue
        part += draw(st.sampled_from(["", " DESC"]))
        other = draw(st.sampled_from(["", ", id"])) if column.name != "id" else ""
        kind = draw(st.sampled_from(["KEY", "UNIQUE KEY", "INDEX"]))
        name = draw(st.sampled_from([f"i{number}", f"k_{number}", f"`odd``{number}`"]))
        lines.append(f"{kind} {name} ({part}{other}){draw(st.sampled_from(_COMMENTS))}")
    for number in range(draw(st.integers(0, 2)) if checks else 0):
        expression = draw(st.sampled_from(["n > 0", "n < 1000000", "n <> 13", "CONCAT(n, 'x') <> 'y'"]))
        named = draw(st.sampled_from(["", f"CONSTRAINT check_{number} "]))
        lines.append(f"{named}CHECK ({expression})")
    return tuple(lines)


@st.composite
def schemas(draw: st.DrawFn, *, like: Schema | None = None, copied: bool = False) -> Schema:
    """Any, or one that is `like` another but for changes; `copied`: one that a shadow can become.

    By a key that both have; and a shadow cannot drop CHECK constraints by their names.
    """
    first = Column("id", draw(st.sampled_from(["INT", "BIGINT", "INT UNSIGNED"])) + " NOT NULL AUTO_INCREMENT", "id")
    second = Column("n", draw(st.sampled_from(["INT NOT NULL", "BIGINT NOT NULL DEFAULT 1"])), "whole")
    before = {column.name: column for column in like.columns} if like else {}
    found = []
    for name in _NAMES:
        old = before.get(name)
        fate = draw(st.sampled_from(["keep", "keep", "change", "drop"] if old else ["add", "none"]))
        if fate == "keep" and old is not None:
            found.append(old)
        elif fate in ("change", "add"):
            # No ALTER gives a virtual column values of its own.
            plain_after_virtual = old is not None and old.base == "virtual"
            new = draw(columns(name, generated=True))
            while plain_after_virtual and new.base not in ("virtual", "stored"):
                new = draw(columns(name, generated=True))
            found.append(new)
    listed = draw(st.permutations([first, second, *found])) if draw(st.booleans()) else [first, second, *found]
    options = draw(
        st.sampled_from(
            [
                "",
                " DEFAULT CHARSET=latin1",
                " COLLATE=utf8mb4_bin",
                " COMMENT='it''s'",
                " ROW_FORMAT=DYNAMIC STATS_PERSISTENT=1",
            ]
        )
    )
    primary = draw(
        st.sampled_from(
            ["PRIMARY KEY (id)", "PRIMARY KEY (id)", "UNIQUE KEY (id)"] + ([] if copied else ["PRIMARY KEY (id, n)"])
        )
    )
    schema = Schema(tuple(listed), primary, draw(extras(tuple(listed), checks=not copied)), options)
    if like is not None and draw(st.booleans()):
        schema = replace(schema, options=like.options)
    return schema
