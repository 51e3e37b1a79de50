"""Random tables of MySQL and MariaDB, and changes of them."""

from __future__ import annotations

from case_files import Case
from random_tables import Language, Table, begun, random_case

_TEXTS = ("''", "'a'", "'A'", "'a '", "'ab'", "'größe'", "'ß'", "'0'", "'12'", "'-3.5'", "'1e3'", "' 7'", "'x'")
_VALUES = {
    "TINYINT": ("0", "1", "-128", "127"),
    "TINYINT UNSIGNED": ("0", "1", "255"),
    "SMALLINT": ("0", "-32768", "32767", "5"),
    "MEDIUMINT": ("0", "-8388608", "8388607", "9"),
    "INT": ("0", "1", "-2147483648", "2147483647", "42"),
    "INT UNSIGNED": ("0", "1", "4294967295", "42"),
    "INT(6) ZEROFILL": ("0", "12", "999999"),
    "BIGINT": ("0", "-9223372036854775808", "9223372036854775807", "7"),
    "BIGINT UNSIGNED": ("0", "18446744073709551615", "7"),
    "DECIMAL(10,2)": ("0", "1.25", "-99999999.99", "3.01"),
    "DECIMAL(30,10)": ("0", "1.0000000001", "-12345678901234567890.1234567891"),
    "FLOAT": ("0", "1.5", "1e10", "1e-10", "0.1"),
    "DOUBLE": ("0", "-0.0", "1.7e300", "0.1", "1e-300", "3"),
    "DATE": ("'2026-01-02'", "'1000-01-01'", "'9999-12-31'"),
    "DATETIME": ("'2026-01-02 03:04:05'", "'1000-01-01'", "'9999-12-31 23:59:59'"),
    "DATETIME(6)": ("'2026-01-02 03:04:05.678901'", "'1000-01-01 00:00:00.000001'"),
    "TIMESTAMP NULL": ("'2026-01-02 03:04:05'", "'1971-01-01'", "'2037-01-01 00:00:00'"),
    "TIMESTAMP(3) NULL": ("'2026-01-02 03:04:05.678'", "'2026-10-25 01:30:00.500'"),
    "TIME": ("'00:00:00'", "'-838:59:59'", "'12:13:14'"),
    "TIME(4)": ("'00:00:00.0001'", "'-838:59:58.5'", "'12:13:14.1516'"),
    "YEAR": ("2026", "1901", "2155"),
    "CHAR(10)": _TEXTS,
    "VARCHAR(40)": _TEXTS,
    "VARCHAR(300)": (*_TEXTS, "REPEAT('é', 300)"),
    "TEXT": (*_TEXTS, "REPEAT('x', 5000)"),
    "VARCHAR(40) CHARACTER SET latin1": ("''", "'a'", "'größe'", "'A '", "'12'"),
    "VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin": _TEXTS,
    "BINARY(4)": ("x'00'", "x'00ff00ff'", "'ab'"),
    "VARBINARY(40)": ("x''", "x'00'", "x'00ff2000'", "'12'"),
    "BLOB": ("x''", "x'00ff'", "REPEAT(x'00ff', 3000)"),
    "BIT(1)": ("b'0'", "b'1'"),
    "BIT(33)": ("b'0'", "b'1'", "b'100000000000000000000000000000001'"),
    "ENUM('a','b','größe','12')": ("'a'", "'b'", "'größe'", "'12'"),
    "SET('p','q','r')": ("''", "'p'", "'q,r'", "'p,q,r'"),
    "JSON": ("'[1,2.50,\"x\",null]'", "'\"größe\"'", "'7'", "'1e3'"),
}
_KEYS = {
    "INT": "{n}",
    "BIGINT": "{n}",
    "INT(9) ZEROFILL": "{n}",
    "DECIMAL(20,4)": "{n}.5",
    "DOUBLE": "{n}.25",
    "VARCHAR(30)": "'k{n}'",
    "CHAR(20)": "'K{n}'",
    "VARCHAR(30) CHARACTER SET latin1": "'ö{n}'",
    "VARBINARY(20)": "'k{n}'",
    "BINARY(12)": "'{n}'",
    "DATETIME(6)": "FROM_UNIXTIME(1700000000 + {n} + 0.25)",
}
_WIDER = {
    "INT": "BIGINT",
    "BIGINT": "DECIMAL(30,6)",
    "DECIMAL(20,4)": "DECIMAL(30,6)",
    "VARCHAR(30)": "VARCHAR(60)",
    "CHAR(20)": "VARCHAR(60)",
    "VARCHAR(30) CHARACTER SET latin1": "VARCHAR(60) CHARACTER SET utf8mb4",
    "VARBINARY(20)": "VARBINARY(40)",
}
_LANGUAGE = Language(
    lambda name: "`" + name.replace("`", "``") + "`",
    _VALUES,
    _KEYS,
    ("a", "b", "c", "Odd `x", "größe", "order", "f g", 'h"h'),
)
_FAMILIES = (
    ("TINYINT", "SMALLINT", "MEDIUMINT", "INT", "BIGINT", "DECIMAL", "FLOAT", "DOUBLE", "BIT", "YEAR"),
    ("CHAR", "VARCHAR", "TEXT"),
    ("BINARY", "VARBINARY", "BLOB"),
    ("DATE", "DATETIME", "TIMESTAMP", "TIME"),
)
_ALL_FITS = ("VARCHAR(300)", "TEXT", "VARBINARY(300)", "BLOB")


def _word(kind: str) -> str:
    return kind.split("(")[0].split()[0]


def _indexed(kind: str) -> bool:
    return _word(kind) not in ("JSON", "TEXT", "BLOB")


def _nullable(kind: str) -> bool:
    return kind.endswith(" NULL")


def _related(kind: str) -> list[str]:
    family = next((each for each in _FAMILIES if _word(kind) in each), (_word(kind),))
    return [each for each in _VALUES if _word(each) in family]


def mysql_case(seed: int) -> Case:
    table, key_kind = begun(seed, _LANGUAGE)
    chance, quoted = table.chance, table.quoted
    for name in chance.sample(_LANGUAGE.named, chance.randint(2, 6)):
        _add_column(table, name)
    made_of = table.any_column(lambda kind: _indexed(kind) and _word(kind) not in ("BINARY", "VARBINARY", "BIT"))
    if made_of and chance.random() < 0.3:
        stored = chance.choice(("VIRTUAL", "STORED"))
        table.lines.append(f"made VARCHAR(400) AS (CONCAT({quoted(made_of)}, '!')) {stored}")
    indexes = []
    for number in range(chance.randint(0, 2)):
        name = table.any_column(_indexed)
        if name:
            indexes.append(f"i{number}")
            table.lines.append(f"KEY i{number} ({quoted(name)})")
    option = chance.choice(("", "", " DEFAULT CHARSET=latin1", " COLLATE=utf8mb4_general_ci", " COLLATE=utf8mb4_bin"))
    key = _key(table)
    create = f"CREATE TABLE t ({', '.join([*table.lines, key])}) ENGINE=InnoDB{option}"
    return random_case(
        seed, table, [create], _clauses(table, key_kind, alone=key == "PRIMARY KEY (id)", indexes=indexes)
    )


def _add_column(table: Table, name: str) -> None:
    chance = table.chance
    kind = chance.choice(list(_VALUES))
    table.add(name, kind, null=_nullable(kind) or chance.random() < 0.5)


def _key(table: Table) -> str:
    name = table.any_column(lambda kind: _indexed(kind) and not _nullable(kind))
    fate = table.chance.random()
    if fate < 0.15:
        return "UNIQUE KEY other (id)"
    if fate < 0.4 and name and "NULL" not in table.values[name]:
        return f"PRIMARY KEY ({', '.join(table.chance.sample(('id', table.quoted(name)), 2))})"
    return "PRIMARY KEY (id)"


def _clauses(table: Table, key_kind: str, *, alone: bool, indexes: list[str]) -> list[str]:
    chance, quoted = table.chance, table.quoted
    left = chance.sample(list(table.columns), len(table.columns))
    found = []
    if alone and key_kind in _WIDER and chance.random() < 0.2:
        found.append(f"MODIFY COLUMN id {_WIDER[key_kind]} NOT NULL")
    for number in range(chance.randint(1, 4)):
        what = chance.choice(("add", "modify", "modify", "modify", "drop", "index", "unindex", "table", "rename"))
        if what == "add":
            found.append(f"ADD COLUMN new{number} {_added(table)}{chance.choice(('', ' FIRST', ' AFTER id'))}")
        elif what == "unindex" and indexes:
            found.append(f"DROP INDEX {indexes.pop()}")
        elif what == "table":
            found.append(chance.choice(("CONVERT TO CHARACTER SET utf8mb4", "COMMENT 'x'", "ROW_FORMAT=DYNAMIC")))
        elif what == "index" and (name := table.any_column(_indexed)):
            found.append(f"ADD {chance.choice(('INDEX', 'INDEX', 'UNIQUE'))} x{number} ({quoted(name)}, id)")
        elif what == "modify" and left:
            found.append(_modified(table, left.pop()))
        elif what == "drop" and len(left) > 1:
            found.append(f"DROP COLUMN {quoted(left.pop())}")
        elif what == "rename" and left:
            name = left.pop()
            found.append(f"RENAME COLUMN {quoted(name)} TO {quoted('re ' + name)}")
    return found or ["ENGINE=InnoDB"]


def _added(table: Table) -> str:
    kind = table.chance.choice(list(_VALUES))
    if _nullable(kind) or not _indexed(kind) or table.chance.random() < 0.5:
        return kind
    return f"{kind} NOT NULL DEFAULT {_VALUES[kind][0]}"


def _modified(table: Table, name: str) -> str:
    chance = table.chance
    kind = chance.choice(_related(table.columns[name]) if chance.random() < 0.7 else _ALL_FITS)
    if not _nullable(kind) and "NULL" not in table.values[name]:
        kind += chance.choice(("", " NULL", " NOT NULL"))
    if chance.random() < 0.3:
        return f"CHANGE COLUMN {table.quoted(name)} {table.quoted('ren ' + name)} {kind}"
    return f"MODIFY COLUMN {table.quoted(name)} {kind}{chance.choice(('', '', ' FIRST'))}"
