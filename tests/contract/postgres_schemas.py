"""Random tables for PostgreSQL, as the statements that describe them, and random changes of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hypothesis import strategies as st

_WHOLE = ("int", "integer", "int8", "smallint", "bigint")
_STRINGS = ("varchar(20)", "character varying(60)", "text", "char(5)", 'text COLLATE "C"')
_OTHERS = ("numeric(10,2)", "decimal(6,3)", "double precision", "float4", "date", "timestamp", "timestamptz(3)", "time")
_MORE = ("boolean", "bytea", "jsonb", "uuid", "int[]", "inet", "interval")
_COMMENTS = (None, "plain", "it's; -- /* \\n", "größe")
_KEYS = ("PRIMARY KEY (id)", "PRIMARY KEY (id)", "CONSTRAINT pk PRIMARY KEY (id, n)", "UNIQUE (id)")
_NAMES = ("a", "b", "c", "d", "e", 'Odd "name', "größe")


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@dataclass(frozen=True)
class Column:
    name: str
    text: str
    base: str
    comment: str | None = None

    @property
    def line(self) -> str:
        return f"{quoted(self.name)} {self.text}"


@dataclass(frozen=True)
class Schema:
    columns: tuple[Column, ...]
    constraints: tuple[str, ...]
    indexes: tuple[str, ...]
    """Behind the table's name: `(name)`, with what stands before ON."""
    later: tuple[str, ...]
    """ADD CONSTRAINT, in a statement of its own."""
    options: str
    comment: str | None

    def statements(self, table: str) -> list[str]:
        lines = [*(column.line for column in self.columns), *self.constraints]
        listed = ",\n  ".join(lines)
        found = [f"CREATE TABLE {table} (\n  {listed}\n){self.options}"]
        found += [
            f"{index} ON {table} USING btree {parts}"
            for index, _, parts in (each.partition(" @ ") for each in self.indexes)
        ]
        found += [f"ALTER TABLE ONLY {table} ADD {constraint}" for constraint in self.later]
        for column in self.columns:
            if column.comment is not None:
                found.append(f"COMMENT ON COLUMN {table}.{quoted(column.name)} IS {_text(column.comment)}")
        if self.comment is not None:
            found.append(f"COMMENT ON TABLE {table} IS {_text(self.comment)}")
        return found

    def text(self, table: str) -> str:
        return ";\n".join(self.statements(table)) + ";\n"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


@st.composite
def columns(draw: st.DrawFn, name: str, old: Column | None) -> Column:
    """One whose type the server can make of that of `old`, by a cast for assignments."""
    kinds = ["whole", "string", "other", "more", "stored"]
    if old is not None:
        kinds = {"string": ["string"], "whole": ["whole", "string"], "stored": ["stored"]}.get(
            old.base, [old.base, "string"]
        )
    kind = draw(st.sampled_from(kinds))
    comment = draw(st.sampled_from(_COMMENTS))
    if kind == "stored":
        expression = draw(st.sampled_from(["n + 1", "n * 2"]))
        return Column(name, f"bigint GENERATED ALWAYS AS ({expression}) STORED", kind, comment)
    null, default = draw(st.sampled_from(["", " NOT NULL", " NULL"])), ""
    if kind == "whole":
        of = draw(st.sampled_from(_WHOLE))
        default = draw(st.sampled_from(["", " DEFAULT 7", " DEFAULT '3'", " DEFAULT (1 + 1)"]))
    elif kind == "string":
        of = draw(st.sampled_from(_STRINGS))
        default = draw(st.sampled_from(["", " DEFAULT 'x'", " DEFAULT upper('y')"]))
    elif kind == "other":
        pool = _OTHERS if old is None else (old.text.split(" NOT")[0].split(" NULL")[0].split(" DEF")[0],)
        of = draw(st.sampled_from(pool))
        if of.startswith("timestamp"):
            default = draw(st.sampled_from(["", " DEFAULT now()", " DEFAULT CURRENT_TIMESTAMP"]))
    else:
        pool = _MORE if old is None else (old.text.split(" NOT")[0].split(" NULL")[0],)
        of = draw(st.sampled_from(pool))
    return Column(name, f"{of}{default}{null}", kind, comment)


@st.composite
def schemas(draw: st.DrawFn, *, like: Schema | None = None, keyed: bool = False) -> Schema:
    """Any, or one that is `like` another but for changes; `keyed`: with a primary key that always stays."""
    before = {column.name: column for column in like.columns} if like else {}
    identity = draw(st.sampled_from(["ALWAYS", "BY DEFAULT"]))
    start = draw(st.sampled_from(["", " (START WITH 5 INCREMENT BY 2)"]))
    key = draw(st.sampled_from(["int", "bigint"]))
    first = Column("id", f"{key} GENERATED {identity} AS IDENTITY{start}", "whole")
    serial = before["id"].text.endswith("serial") if "id" in before else draw(st.booleans())
    if serial:
        first = before.get("id") or Column("id", draw(st.sampled_from(["serial", "bigserial"])), "whole")
    # What a generated column is computed from keeps its type.
    found = [first, Column("n", "int NOT NULL" + draw(st.sampled_from(["", " DEFAULT 1"])), "whole")]
    for name in _NAMES:
        old = before.get(name)
        fate = draw(st.sampled_from(["keep", "keep", "change", "drop"] if old else ["add", "none"]))
        if fate == "keep" and old is not None:
            found.append(old)
        elif fate in ("change", "add"):
            new = draw(columns(name, old))
            # A run does not add what existing rows would have no value for.
            bare = keyed and old is None and "DEFAULT" not in new.text
            found.append(replace(new, text=new.text.replace(" NOT NULL", "")) if bare else new)
    indexes = []
    for number in range(draw(st.integers(0, 3))):
        column = draw(st.sampled_from([each for each in found if each.base in ("whole", "string", "stored")]))
        part = draw(
            st.sampled_from(
                [quoted(column.name), f"{quoted(column.name)} DESC NULLS LAST", f"n, {quoted(column.name)}"]
            )
        )
        where = draw(st.sampled_from(["", " WHERE (n > 5)", " WITH (fillfactor = 70)"]))
        unique = draw(st.sampled_from(["", "UNIQUE "]))
        indexes.append(f"CREATE {unique}INDEX i{number} @ ({part}){where}")
    if draw(st.booleans()):
        indexes.append("CREATE INDEX expr @ ((n + 1), abs(n))")
    constraints, later = (
        [draw(st.sampled_from(_KEYS[:1] if keyed else _KEYS))],
        [],
    )
    for number in range(draw(st.integers(0, 2))):
        expression = draw(st.sampled_from(["n > 0", "n BETWEEN 1 AND 1000000", "n <> ALL (ARRAY[13, 14])"]))
        named = draw(st.sampled_from(["", f"CONSTRAINT check_{number} "]))
        (later if named and draw(st.booleans()) else constraints).append(f"{named}CHECK ({expression})")
    if draw(st.booleans()):
        later.append(
            "CONSTRAINT fk FOREIGN KEY (n) REFERENCES parent(id)" + draw(st.sampled_from(["", " ON DELETE CASCADE"]))
        )
    if draw(st.booleans()):
        constraints.append("CONSTRAINT u UNIQUE (n, id)" + draw(st.sampled_from(["", " DEFERRABLE"])))
    options = draw(st.sampled_from(["", " WITH (fillfactor = 80)", " WITH (autovacuum_enabled = false)"]))
    return Schema(
        tuple(found), tuple(constraints), tuple(indexes), tuple(later), options, draw(st.sampled_from(_COMMENTS))
    )
