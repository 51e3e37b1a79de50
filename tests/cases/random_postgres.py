"""Random tables of PostgreSQL, and changes of them."""

from __future__ import annotations

from case_files import Case
from random_tables import Language, Table, begun, random_case

_TEXTS = ("''", "'a'", "'A'", "'a '", "'größe'", "'12'", "'-3.5'", "'日本'", "'2026-01-02'", "E'z\\\\x'", "'true'")
_VALUES = {
    "smallint": ("0", "-32768", "32767", "5"),
    "integer": ("0", "1", "-2147483648", "2147483647", "42"),
    "bigint": ("0", "-9223372036854775808", "7"),
    "numeric": ("0", "1.25", "-12345678901234567890.1234567891", "'NaN'", "1e-20", "1.10"),
    "numeric(10,2)": ("0", "-99999999.99", "3.01"),
    "real": ("0", "1.5", "-3.4e38", "'NaN'", "0.1"),
    "double precision": ("0", "'-0'", "1.7e308", "0.1", "'Infinity'"),
    "boolean": ("true", "false"),
    "text": (*_TEXTS, "repeat('x', 5000)"),
    "varchar(40)": _TEXTS,
    "character(8)": _TEXTS[:7],
    'text COLLATE "C"': _TEXTS,
    "name": _TEXTS[:6],
    "bytea": ("'\\x'", "'\\x00ff'", "decode(repeat('00ff', 3000), 'hex')"),
    "date": ("'2026-01-02'", "'infinity'", "'0044-03-15 BC'"),
    "timestamp": ("'2026-01-02 03:04:05.678901'", "'-infinity'"),
    "timestamptz": ("'2026-01-02 03:04:05.678901+02'", "'infinity'"),
    "time": ("'00:00:00'", "'24:00'", "'12:13:14.1516'"),
    "timetz": ("'00:00:00+02'", "'12:13-08'"),
    "interval": ("'1 mon -3 days 04:05'", "'0'", "'30 days'"),
    "uuid": ("'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", "'00000000-0000-0000-0000-000000000000'"),
    "jsonb": ("'{}'", "'[1,2.50,\"x\",null]'", "'\"größe\"'", "'7'"),
    "json": ('\'{"b":1, "a":  2}\'', "'[]'"),
    "inet": ("'10.0.0.1/8'", "'::1'"),
    "cidr": ("'10.0.0.0/8'",),
    "bit(3)": ("B'101'", "B'000'"),
    "bit varying(9)": ("B''", "B'10101'"),
    "integer[]": ("'{}'", "'{1,NULL,3}'", "'{{1,2},{3,4}}'"),
    "text[]": ("'{}'", "'{a,\"b c\",NULL}'"),
    "int4range": ("'empty'", "'[1,5)'"),
    "point": ("'(1,2)'",),
    "money": ("'12.34'", "'-0.01'"),
    "tsvector": ("'a:1 b:2'",),
    "oid": ("0", "4294967295"),
    "mood": ("'sad'", "'glad'"),
    "positive": ("1", "42"),
}
_TYPES = (
    "CREATE TYPE mood AS ENUM ('sad', 'glad')",
    "CREATE DOMAIN positive AS integer CHECK (VALUE > 0)",
)
_KEYS = {
    "integer": "{n}",
    "bigint": "{n}",
    "numeric": "{n}.50",
    "numeric(20,4)": "{n}.5",
    "text": "'k{n}'",
    "varchar(30)": "'kß{n}'",
    'text COLLATE "C"': "'K{n}'",
    "bytea": "decode(lpad('{n}', 12, '0'), 'hex')",
    "uuid": "lpad('{n}', 32, '0')::uuid",
    "double precision": "{n}.25",
    "timestamptz": "to_timestamp(1700000000 + {n} + 0.25)",
    "integer[]": "ARRAY[{n}, 1]",
    "inet": "('10.0.0.0'::inet + {n})",
}
_WIDER = {"integer": "bigint", "varchar(30)": "text", "text": "varchar(50)"}
_LANGUAGE = Language(
    lambda name: '"' + name.replace('"', '""') + '"',
    _VALUES,
    _KEYS,
    ("a", "b", "c", 'Odd "x', "größe", "order", "f g", "UPPER"),
)
_FAMILIES = (
    ("smallint", "integer", "bigint", "numeric", "numeric(10,2)", "real", "double precision"),
    ("text", "varchar(40)", "character(8)", 'text COLLATE "C"', "name"),
    ("date", "timestamp", "timestamptz"),
)


def _indexed(kind: str) -> bool:
    """By a B-tree, and short enough."""
    return kind not in ("json", "point", "text", "bytea", "text[]", 'text COLLATE "C"')


def postgres_case(seed: int) -> Case:
    table, key_kind = begun(seed, _LANGUAGE)
    chance, quoted = table.chance, table.quoted
    for name in chance.sample(_LANGUAGE.named, chance.randint(2, 6)):
        _add_column(table, name)
    if chance.random() < 0.3 and (name := table.any_column(lambda kind: kind in ("integer", "smallint"))):
        table.lines.append(f"made bigint GENERATED ALWAYS AS ({quoted(name)}::bigint / 2) STORED")
    if chance.random() < 0.2:
        table.lines.append("counted bigint GENERATED ALWAYS AS IDENTITY")
    key = _key(table)
    create = [*_TYPES, f"CREATE TABLE t ({', '.join([*table.lines, key])})", *_beside(table)]
    return random_case(seed, table, create, _clauses(table, key_kind, alone=key == "PRIMARY KEY (id)"))


def _add_column(table: Table, name: str) -> None:
    chance = table.chance
    kind = chance.choice(list(_VALUES))
    null = chance.random() < 0.5
    default = f" DEFAULT {chance.choice(_VALUES[kind])}" if chance.random() < 0.2 else ""
    table.add(name, kind, null=null, more=default)


def _key(table: Table) -> str:
    name = table.any_column(_indexed)
    if name and "NULL" not in table.values[name] and table.chance.random() < 0.3:
        return f"PRIMARY KEY ({', '.join(table.chance.sample(('id', table.quoted(name)), 2))})"
    return "PRIMARY KEY (id)"


def _beside(table: Table) -> list[str]:
    """What else hangs on it."""
    chance, quoted = table.chance, table.quoted
    found = []
    for number in range(chance.randint(0, 2)):
        if name := table.any_column(_indexed):
            part = quoted(name) + chance.choice(("", " DESC", ", id"))
            found.append(
                f"CREATE INDEX i{number} ON t ({part}){chance.choice(('', f' WHERE {quoted(name)} IS NOT NULL'))}"
            )
    if chance.random() < 0.15:
        found.append("ALTER TABLE t REPLICA IDENTITY FULL")
    if chance.random() < 0.15:
        found.append("GRANT SELECT ON t TO alice")
    if chance.random() < 0.15 and (name := table.any_column()):
        found.append(f"COMMENT ON COLUMN t.{quoted(name)} IS 'it''s'")
    return found


def _clauses(table: Table, key_kind: str, *, alone: bool) -> list[str]:
    chance, quoted = table.chance, table.quoted
    left = chance.sample(list(table.columns), len(table.columns))
    found = []
    if alone and key_kind in _WIDER and chance.random() < 0.2:
        found.append(f"ALTER COLUMN id TYPE {_WIDER[key_kind]}")
    for number in range(chance.randint(1, 4)):
        what = chance.choice(("add", "type", "type", "type", "drop", "unique", "null", "default", "check"))
        if what == "add":
            found.append(f"ADD COLUMN new{number} {_added(table)}")
        elif what == "unique" and (name := table.any_column(_indexed)) in left:
            found.append(f"ADD CONSTRAINT u{number} UNIQUE ({quoted(str(name))}, id)")
        elif what == "type" and left:
            found.append(_retyped(table, left.pop()))
        elif what == "drop" and len(left) > 1:
            found.append(f"DROP COLUMN {quoted(left.pop())}")
        elif what == "null" and left:
            found.append(f"ALTER COLUMN {quoted(left[0])} {chance.choice(('SET', 'DROP'))} NOT NULL")
        elif what == "default" and left:
            value = chance.choice(_VALUES[table.columns[left[0]]])
            found.append(f"ALTER COLUMN {quoted(left[0])} {chance.choice(('DROP DEFAULT', f'SET DEFAULT {value}'))}")
        elif what == "check" and left:
            named = f"ADD CONSTRAINT checked{number} CHECK ({quoted(left[0])} IS NOT NULL)"
            found.append(f"{named}{chance.choice(('', ' NOT VALID'))}")
    return found or ["SET (fillfactor=90)"]


def _added(table: Table) -> str:
    kind = table.chance.choice(list(_VALUES))
    if table.chance.random() < 0.5:
        return kind
    return f"{kind} NOT NULL DEFAULT {_VALUES[kind][0]}"


def _retyped(table: Table, name: str) -> str:
    chance, old = table.chance, table.columns[name]
    family = next((each for each in _FAMILIES if old in each), (old, "text"))
    kind = chance.choice(family if chance.random() < 0.8 else list(_VALUES))
    bare = kind.removesuffix(' COLLATE "C"')
    using = f" USING {table.quoted(name)}::text::{bare}" if chance.random() < 0.4 else ""
    return f"ALTER COLUMN {table.quoted(name)} TYPE {kind}{using}"
