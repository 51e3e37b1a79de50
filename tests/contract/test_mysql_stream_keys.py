"""Every type that MySQL allows in a key: the literal decoded from the binlog is the one the server makes, and finds its
row.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import pytest
from mysql_following import connect, following, quoted, run

from ghostpy import sandbox
from ghostpy.dialects.mysql import quote
from ghostpy.dialects.mysql.inspect import describe
from ghostpy.dialects.mysql.key_codec import (
    among,
    bound_sql,
    is_single_integer,
    key_sql,
    listed_part_by_part,
    shadow_key_sql,
)
from ghostpy.dialects.mysql.types import carries_key
from ghostpy.model.column_map import CopyKey
from ghostpy.model.names import TableName


@dataclass(frozen=True)
class Case:
    """`columns`: the key columns with their types; `rows`: SQL values, one tuple a row."""

    columns: dict[str, str]
    rows: list[tuple[str, ...]]


def _one(declared: str, *values: str) -> Case:
    return Case({"k": declared}, [(value,) for value in values])


def _hex(*values: bytes) -> list[str]:
    return [f"X'{value.hex()}'" for value in values]


def _text(declared: str, charset: str, *values: bytes) -> Case:
    collation = f"{declared} CHARACTER SET {charset} COLLATE {charset}_bin"
    return _one(collation, *(f"_{charset} {each}" for each in _hex(*values)))


CASES = {
    "tinyint": _one("TINYINT", "-128", "-1", "0", "127"),
    "tinyint unsigned": _one("TINYINT UNSIGNED", "0", "128", "255"),
    "smallint": _one("SMALLINT", "-32768", "0", "32767"),
    "smallint unsigned": _one("SMALLINT UNSIGNED", "0", "65535"),
    "mediumint": _one("MEDIUMINT", "-8388608", "-1", "0", "8388607"),
    "mediumint unsigned": _one("MEDIUMINT UNSIGNED", "0", "8388608", "16777215"),
    "int": _one("INT", "-2147483648", "-1", "0", "2147483647"),
    "int unsigned": _one("INT UNSIGNED", "0", "4294967295"),
    "int zerofill": _one("INT(8) ZEROFILL", "0", "42", "4294967295"),
    "bigint": _one("BIGINT", "-9223372036854775808", "-1", "0", "9223372036854775807"),
    "bigint unsigned": _one("BIGINT UNSIGNED", "0", "9223372036854775808", "18446744073709551615"),
    "boolean": _one("BOOLEAN", "0", "1"),
    "decimal": _one("DECIMAL(10,2)", "-99999999.99", "-0.50", "0", "0.05", "12.30", "99999999.99"),
    "decimal(65,30)": _one(
        "DECIMAL(65,30)", f"-{'9' * 35}.{'9' * 30}", f"-0.{'0' * 29}1", "0", "1", f"1.{'0' * 29}1", f"{'9' * 35}.{'9' * 30}"
    ),
    "decimal(65,0)": _one("DECIMAL(65,0)", "-" + "9" * 65, "-1000000000", "0", "999999999", "1000000000", "9" * 65),
    "decimal(30,30)": _one("DECIMAL(30,30)", f"-0.{'9' * 30}", "0", f"0.{'0' * 29}1", "0.1"),
    "decimal(18,9)": _one("DECIMAL(18,9)", "-123456789.123456789", "0.000000001", "123456789"),
    "decimal zerofill": _one("DECIMAL(8,3) ZEROFILL", "0", "1.5", "12345.678"),
    "float": _one("FLOAT", "-3.4028234e38", "-0.1", "-0.0", "0.1", "1e-30", "16777216", "3.1415927", "3.4028234e38"),
    "double": _one(
        "DOUBLE", "-1.7976931348623157e308", "-1e15", "-0.1", "0", "5e-324", "1e-17", "1e-16", "1e-15", "0.1", "1.5",
        "-0.00012345678901234567", "-1.2345678901234567e-10", "1.2345678901234567e-14", "2.2250738585072014e-308",
        "123456789012345.6", "9007199254740993", "4503599627370496.5", "-123456789012345678", "-2.2250738585072014e-308",
        "1e20", "123456789012345.67", "0.3", "1e22", "1e-7", "0.30000000000000004",
 "1234567890123456.7", "1e14", "9.99999999999999e14", "1e15", "1e16", "1.7976931348623157e308",
    ),
    "double(12,3)": _one("DOUBLE(12,3)", "-1.5", "0", "0.001", "123456789.123"),
    "float(7,4)": _one("FLOAT(7,4)", "-1.5", "0", "0.0001", "999.9999"),
    "bit(1)": _one("BIT(1)", "0", "1"),
    "bit(12)": _one("BIT(12)", "0", "1", "256", "4095"),
    "bit(64)": _one("BIT(64)", "0", "9223372036854775808", "18446744073709551615"),
    "year": _one("YEAR", "'0000'", "1901", "1970", "2155"),
    "date": _one("DATE", "'0000-00-00'", "'1000-01-01'", "'2020-00-00'", "'2020-02-29'", "'2021-02-31'", "'9999-12-31'"),
    "time": _one("TIME", "'-838:59:59'", "'-00:00:01'", "'00:00:00'", "'100:00:00'", "'838:59:59'"),
    **{
        f"time({digits})": _one(
            f"TIME({digits})", "'-838:59:58.999999'", "'-01:00:00.5'", "'-00:00:00.1'", "'00:00:00'", "'00:00:00.9'", "'100:00:00.25'"
        )
        for digits in range(1, 7)
    },
    "datetime": _one("DATETIME", "'0000-00-00'", "'1000-01-01'", "'2020-00-00 12:13:14'", "'9999-12-31 23:59:59'"),
    **{
        f"datetime({digits})": _one(
            f"DATETIME({digits})", "'0000-00-00'", "'1000-01-01'", "'2020-02-29 12:13:14.9'", "'2020-02-29 12:13:14.25'",
            "'9999-12-31 23:59:59.0'",
        )
        for digits in range(1, 7)
    },
    "timestamp": _one("TIMESTAMP", "'0000-00-00'", "'1970-01-01 03:00:01'", "'2020-10-25 01:30:00'", "'2038-01-19 06:14:07'"),
    **{
        f"timestamp({digits})": _one(
            f"TIMESTAMP({digits})", "'0000-00-00'", "'1970-01-01 03:00:01'", "'2020-02-29 12:13:14.9'", "'2038-01-19 06:14:07.4'"
        )
        for digits in range(1, 7)
    },
    "char": _text("CHAR(20)", "utf8mb4", b"", b"a", b" a", "é𝄞".encode(), b"'\\"),
    "char latin1": _text("CHAR(20)", "latin1", b"", b"a", b"\xe9\x80\xff", b"a  b"),
    "char(255) utf8mb4": _text("CHAR(255)", "utf8mb4", b"", b"a", "𝄞".encode() * 200, b"x" * 255),
    "char ucs2": _text("CHAR(5)", "ucs2", "a b".encode("utf-16-be"), "é".encode("utf-16-be")),
    "char utf32": _text("CHAR(5)", "utf32", "a".encode("utf-32-be"), "𝄞".encode("utf-32-be")),
    "varchar": _text("VARCHAR(20)", "utf8mb4", b"", b"a", b"a\x00", b"\x01", "é𝄞".encode(), b"',X''"),
    "varchar spaces": _one("VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin", "''", "' '", "'a'", "'a '", "'a  '"),
    "varchar ci": _one("VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci", "'a'", "'B'", "'c '", "'ß'", "'Zz'"),
    "varchar(255) long": _text("VARCHAR(255)", "latin1", b"", b"x" * 255),
    "varchar(256) long": _text("VARCHAR(256)", "latin1", b"", b"x" * 256),
    "varchar(700)": _text("VARCHAR(700)", "utf8mb4", b"", b"x" * 300, "𝄞".encode() * 700),
    "varchar utf8mb3": _text("VARCHAR(20)", "utf8mb3", b"a", "é€".encode()),
    "varchar latin1": _text("VARCHAR(20)", "latin1", b"a", b"\xe9\x80", b"\x81"),
    "varchar gbk": _text("VARCHAR(20)", "gbk", b"a", "中文".encode("gbk"), b"\xb0\x5c"),
    "varchar gb18030": _text("VARCHAR(20)", "gb18030", b"a", "中文𝄞".encode("gb18030")),
    "varchar sjis": _text("VARCHAR(20)", "sjis", b"a", "表ソ".encode("shift_jis")),
    "varchar cp932": _text("VARCHAR(20)", "cp932", b"a", "表①".encode("cp932")),
    "varchar ujis": _text("VARCHAR(20)", "ujis", b"a", "表".encode("euc_jp")),
    "varchar eucjpms": _text("VARCHAR(20)", "eucjpms", b"a", "表".encode("euc_jp")),
    "varchar big5": _text("VARCHAR(20)", "big5", b"a", "中功".encode("big5")),
    "varchar euckr": _text("VARCHAR(20)", "euckr", b"a", "한글".encode("euc_kr")),
    "varchar utf16": _text("VARCHAR(20)", "utf16", "a".encode("utf-16-be"), "𝄞".encode("utf-16-be")),
    "varchar utf16le": _text("VARCHAR(20)", "utf16le", "a".encode("utf-16-le"), "𝄞".encode("utf-16-le")),
    "varchar koi8r": _text("VARCHAR(20)", "koi8r", b"a", "щ".encode("koi8_r")),
    "varchar cp1251": _text("VARCHAR(20)", "cp1251", b"a", "щ".encode("cp1251")),
    "varchar tis620": _text("VARCHAR(20)", "tis620", b"a", "ก".encode("tis_620")),
    "varchar hebrew": _text("VARCHAR(20)", "hebrew", b"a", "א".encode("iso8859_8")),
    "varchar swe7": _text("VARCHAR(20)", "swe7", b"a", b"{|}"),
    "varchar ascii": _text("VARCHAR(20)", "ascii", b"", b"a", b"~"),
    "binary": _one("BINARY(4)", *_hex(b"", b"a", b"\x00a", b"a ", b"\xff\xff\xff\xff")),
    "binary(16)": _one("BINARY(16)", *_hex(b"\x00" * 16, b"\x01" * 16, b"\xfe" + b"\x00" * 15)),
    "binary(255)": _one("BINARY(255)", *_hex(b"\x01" * 255, b"x")),
    "varbinary": _one("VARBINARY(8)", *_hex(b"", b"a", b"a\x00", b"a ", b"\x00", b"\xff" * 8)),
    "varbinary(300)": _one("VARBINARY(300)", *_hex(b"", b"a" * 300)),
    "enum": _one("ENUM('b','a','é','it''s, \"x\"','')", "'a'", "'b'", "'é'", "'it''s, \"x\"'", "''"),
    "enum error": _one("ENUM('b','a')", "'a'", "0"),
    "enum latin1": _one("ENUM('z','é') CHARACTER SET latin1", "'z'", "'é'"),
    "enum gbk": _one("ENUM('z','中') CHARACTER SET gbk", "'z'", "'中'"),
    "enum wide": _one("ENUM(" + ",".join(f"'n{each}'" for each in range(300)) + ")", "'n0'", "'n255'", "'n256'", "'n299'"),
    "set": _one("SET('x','y','z')", "''", "'x'", "'y,x'", "'x,y,z'"),
    "set(63)": _one("SET(" + ",".join(f"'m{each}'" for each in range(63)) + ")", "0", "1", "4611686018427387904", "9223372036854775807"),
    "composite integers": Case({"k": "INT", "l": "BIGINT UNSIGNED"}, [("-1", "0"), ("-1", "18446744073709551615"), ("5", "7")]),
    "composite of three": Case(
        {"k": "VARCHAR(20) COLLATE utf8mb4_0900_as_cs", "l": "DATETIME(3)", "m": "DECIMAL(5,1)"},
        [("'a,b'", "'2020-01-01 00:00:00.5'", "-0.5"), ("'a'", "'2020-01-01'", "1"), ("''", "'0000-00-00'", "0")],
    ),
    "composite with enum": Case(
        {"k": "ENUM('b','a')", "l": "INT", "m": "BINARY(2)"}, [("'a'", "1", "X'00'"), ("'b'", "9", "X'6100'"), ("'b'", "10", "X'61'")][:2]
    ),
}  # fmt: skip


@pytest.mark.parametrize("image", ["FULL", "MINIMAL"])
@pytest.mark.parametrize("name", CASES)
def test_key_type(name: str, image: str, mysql: sandbox.MySQLServer, database: str) -> None:
    asyncio.run(_check(CASES[name], image, mysql, database))


async def _check(case: Case, image: str, server: sandbox.MySQLServer, database: str) -> None:
    # Columns of all kinds of lengths around the key, some of them NULL.
    declared = ", ".join(f"{column} {kind} NOT NULL" for column, kind in case.columns.items())
    keys = ", ".join(case.columns)
    modes = "SET sql_mode='ALLOW_INVALID_DATES', time_zone='+03:00', binlog_row_image="
    with connect(server, database, f"{modes}'{image}'") as writer:
        run(
            writer,
            f"CREATE TABLE t (v VARCHAR(300), b TEXT, n INT, {declared}, w VARCHAR(10) NOT NULL DEFAULT 'w', PRIMARY KEY ({keys}))",
        )
        async with following(server, database, key=list(case.columns)) as follow:
            text = key_sql(follow.key)
            for place, row in enumerate(case.rows):
                filler = ("NULL", "REPEAT('v', 299)", "'x'")[place % 3], ("'some text'", "NULL")[place % 2]
                run(writer, f"INSERT INTO t (v, b, n, {keys}) VALUES ({', '.join(filler)}, {place}, {', '.join(row)})")
            stored = {str(row[0]) for row in await follow.session.query(f"SELECT {text} FROM t")}
            assert len(stored) == len(case.rows)

            def literals(seen: set[int | str]) -> set[str]:
                assert all(isinstance(key, int) == is_single_integer(follow.key) for key in seen)
                return {str(key) for key in seen}

            assert literals(await follow.catch_up()) == stored
            for literal in stored:
                found = await follow.session.query(f"SELECT {text} FROM t WHERE ({keys}) = ({literal})")
                assert [row[0] for row in found] == [literal]
            await _check_bounds(follow.session, follow.key, keys)

            run(writer, "UPDATE t SET n = n + 1, b = CONCAT(b, 'x')")
            assert literals(await follow.catch_up()) == stored
            run(writer, "DELETE FROM t")
            assert literals(await follow.catch_up()) == stored
            assert follow.events == 3 * len(case.rows)


async def _check_bounds(session, columns, keys: str) -> None:  # type: ignore[no-untyped-def]
    """Literals for comparisons put the rows in the order of the index."""
    if len(columns) > 1:
        return
    quoted_key = quote.name(columns[0].name)
    rows = await session.query(f"SELECT {bound_sql(columns[0])} FROM t FORCE INDEX (PRIMARY) ORDER BY {keys}")
    bounds = [row[0] for row in rows]
    total = len(bounds)
    for place, (low, high) in enumerate(pairwise(bounds)):
        above = await session.scalar(f"SELECT COUNT(*) FROM t WHERE {quoted_key} > {low}")
        assert above == total - place - 1, low
        below = await session.scalar(f"SELECT COUNT(*) FROM t WHERE {quoted_key} <= {high}")
        assert below == place + 2, high


_NOT_ON_MARIADB = ("0900", "gb18030")
_EVERYWHERE = [
    *(pytest.param("mysql", name, id=f"mysql-{name}") for name in CASES),
    *(
        pytest.param("mariadb", name, id=f"mariadb-{name}", marks=pytest.mark.soak)
        for name, case in CASES.items()
        if not any(word in str(case.columns) for word in _NOT_ON_MARIADB)
    ),
]


@pytest.mark.parametrize("beside", ["alone", "first", "last"])
@pytest.mark.parametrize(("kind", "name"), _EVERYWHERE)
def test_a_list_of_keys_finds_its_rows(
    kind: str,
    name: str,
    beside: str,
    request: pytest.FixtureRequest,
    new_database: Callable[[sandbox.Server], str],
) -> None:
    server = request.getfixturevalue(kind)
    asyncio.run(_check_lists(CASES[name], beside, server, new_database(server)))


async def _check_lists(case: Case, beside: str, server: sandbox.MySQLServer, database: str) -> None:
    """By the index and without it."""
    names = list(case.columns)
    key = {"alone": names, "first": ["other", *names], "last": [*names, "other"]}[beside]
    declared = ", ".join(f"{column} {kind} NOT NULL" for column, kind in case.columns.items())
    others = (0, 1) if beside != "alone" else (0,)
    with connect(server, database, "SET sql_mode='ALLOW_INVALID_DATES', time_zone='+03:00'") as writer:
        run(
            writer,
            f"CREATE TABLE t ({declared}, other INT NOT NULL, PRIMARY KEY ({', '.join(key)})) CHARACTER SET utf8mb4",
        )
        for row in case.rows:
            for other in others:
                run(writer, f"INSERT INTO t ({', '.join(names)}, other) VALUES ({', '.join(row)}, {other})")
        async with following(server, database, key=key) as follow:
            text = key_sql(follow.key)
            stored = {str(row[0]) for row in await follow.session.query(f"SELECT {text} FROM t")}
            assert len(stored) == len(case.rows) * len(others)
            condition = among(stored, key, part_by_part=listed_part_by_part(follow.key))
            for hint in ("", "FORCE INDEX (PRIMARY)", "IGNORE INDEX (PRIMARY)"):
                found = await follow.session.query(f"SELECT {text} FROM t {hint} WHERE {condition}")
                assert {str(row[0]) for row in found} == stored


def test_names_are_quoted(mysql: sandbox.MySQLServer, database: str) -> None:
    async def check() -> None:
        table, column = "odd `name` – 表", "the `key`, really"
        with connect(mysql, database) as writer:
            run(writer, f"CREATE TABLE {quote.name(table)} ({quote.name(column)} VARCHAR(10) PRIMARY KEY)")
            async with following(mysql, database, table, [column]) as follow:
                run(writer, f"INSERT INTO {quote.name(table)} VALUES ('a')")
                rows = await follow.session.query(f"SELECT {key_sql(follow.key)} FROM {quoted(database, table)}")
                assert await follow.catch_up() == {rows[0][0]}

    asyncio.run(check())


WIDER = {
    "integer": ("INT", "DECIMAL(20,4)", ["-5", "0", "7"]),
    "integer of another width": ("INT(5) ZEROFILL", "BIGINT(9) UNSIGNED ZEROFILL", ["5", "99999"]),
    "decimal": ("DECIMAL(8,2)", "DECIMAL(12,4) ZEROFILL", ["0.25", "7"]),
    "moment": ("DATETIME(2)", "DATETIME(5)", ["'2026-01-01 00:00:00.25'", "'2026-01-01'"]),
    "instant": ("TIMESTAMP", "TIMESTAMP(6)", ["'2026-01-01 00:00:00'"]),
    "time": ("TIME", "TIME(3)", ["'-01:00:00'", "'12:13:14'"]),
    "text": ("VARCHAR(9) CHARACTER SET latin1", "CHAR(20) CHARACTER SET utf8mb4", ["''", "'größe'", "'0'"]),
    "label": ("ENUM('a','größe') CHARACTER SET latin1", "VARCHAR(9) CHARACTER SET utf8mb4", ["'a'", "'größe'"]),
    "label among others": ("ENUM('a','b')", "ENUM('x','b','a')", ["'a'", "'b'"]),
}


@pytest.mark.parametrize("name", WIDER)
@pytest.mark.parametrize("kind", ["mysql", "mariadb"])
def test_a_row_of_the_shadow_is_told_by_the_key_of_its_source(
    name: str, kind: str, request: pytest.FixtureRequest, new_database: Callable[[sandbox.Server], str]
) -> None:
    server = request.getfixturevalue(kind)
    before, after, values = WIDER[name]
    database = new_database(server)

    async def check() -> None:
        with connect(server, database) as writer:
            for table, declared in (("t", before), ("shadow", after)):
                run(writer, f"CREATE TABLE {table} (k {declared} PRIMARY KEY) CHARACTER SET utf8mb4")
                run(writer, *(f"INSERT INTO {table} VALUES ({value})" for value in values))
        async with following(server, database, key=["k"]) as follow:
            shadow = await describe(follow.session, TableName(database, "shadow"))
            assert shadow is not None
            key = CopyKey("PRIMARY", "PRIMARY", tuple(follow.key), (shadow.column("k"),))
            assert all(carries_key(*pair) for pair in zip(key.source_columns, key.shadow_columns, strict=True))
            known = await follow.session.query(f"SELECT {key_sql(follow.key)} FROM t")
            found = await follow.session.query(f"SELECT {shadow_key_sql(key)} FROM shadow")
            aliased = await follow.session.query(f"SELECT {shadow_key_sql(key, 's')} FROM shadow AS s")
            assert set(known) == set(found) == set(aliased)

    asyncio.run(check())
