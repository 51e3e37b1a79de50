"""After a resync the rows are as in the source, whatever the table looks like, and the comparison says so."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Any

import psycopg
import pytest
from under_way import COPY, running

from ghostpy import errors, sandbox
from ghostpy.dialects.postgres.dialect import PostgresDialect
from ghostpy.model.keys import KeyRange
from ghostpy.settings import ConnectSettings, MigrateSettings, TargetSettings

_EVERYTHING = KeyRange(None, None)
_SHADOW = '"_public_t_gho".t'


@dataclass(frozen=True)
class _Change:
    """`keys` are literals, some of them two spellings of one key."""

    columns: str
    alter: str
    keys: tuple[str, ...] = tuple(map(str, range(1, 13)))
    where: str | None = None
    transforms: tuple[tuple[str, str], ...] = ()
    insert: str = "INSERT INTO t (id, v, w) VALUES ({key}, {v}, {w})"
    prepare: str = ""
    """Before the table is made; `finish`: behind it."""
    finish: str = ""
    moves: str = "iiukds"
    """What the application does: (i)nsert, (u)pdate, change a (k)ey, (d)elete, (s)wap values."""
    versions: tuple[int, ...] = (18, 15)


_TEXT_KEYS = ("'a'", "'A'", "'b, c'", "'B, c'", "'it''s'", "''", "'x'", "'X'")
_ADD = "ADD COLUMN extra int NOT NULL DEFAULT 7"
_INT = "id int PRIMARY KEY, v int, w text"
_CI = "CREATE COLLATION ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false)"

_CHANGES = {
    "whole-number": _Change(_INT, _ADD, versions=(18, 15, 14)),
    "wider-key": _Change(_INT, "ALTER COLUMN id TYPE bigint"),
    "other-types": _Change(_INT, "ALTER COLUMN v TYPE numeric(12,2)"),
    "a-length": _Change(_INT, "ALTER COLUMN w TYPE varchar(20000)"),
    "identity-key": _Change(
        "id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, v int, w text",
        _ADD,
        insert="INSERT INTO t (id, v, w) OVERRIDING SYSTEM VALUE VALUES ({key}, {v}, {w})",
        moves="iiuds",
    ),
    "numbered-beside-the-key": _Change(
        "id int PRIMARY KEY, v int, w text, n int GENERATED ALWAYS AS IDENTITY", _ADD
    ),
    "text-key": _Change("id text PRIMARY KEY, v int, w text", _ADD, _TEXT_KEYS),
    "key-in-any-case": _Change("id text COLLATE ci PRIMARY KEY, v int, w text", _ADD, _TEXT_KEYS, prepare=_CI, versions=(15,)),
    "numeric-key": _Change("id numeric PRIMARY KEY, v numeric, w text", _ADD, ("1", "1.0", "1.00", "2", "2.50", "2.5", "-3")),
    "row-type-as-key": _Change(
        "id two PRIMARY KEY, v int, w text",
        _ADD,
        ("'(1,)'::two", "'(1,2)'::two", "'(,2)'::two", "'(,)'::two"),
        prepare="CREATE TYPE two AS (a int, b int)",
    ),
    "two-columns-as-key": _Change(
        "a text, id numeric, v int, w text, PRIMARY KEY (id, a)",
        _ADD,
        ("1", "1.0", "2"),
        insert="INSERT INTO t (a, id, v, w) VALUES ((ARRAY['x', 'a, b', 'it''s'])[1 + abs({v} % 3)], {key}, {v}, {w})",
    ),
    "unique": _Change("id int PRIMARY KEY, v int, w text, UNIQUE (v)", _ADD),
    "excluding": _Change("id int PRIMARY KEY, v int, w text, EXCLUDE (v WITH =)", _ADD),
    "key-checked-at-the-end": _Change("id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, v int, w text, UNIQUE (id)", _ADD, finish="ALTER TABLE t REPLICA IDENTITY USING INDEX t_id_key"),
    "only-unique": _Change("id int NOT NULL UNIQUE, v int, w text", _ADD, finish="ALTER TABLE t REPLICA IDENTITY USING INDEX t_id_key"),
    "generated": _Change("id int PRIMARY KEY, v int, w text, g int GENERATED ALWAYS AS (v * 2) STORED", _ADD),
    "no-more-generated": _Change(
        "id int PRIMARY KEY, v int, w text, g int GENERATED ALWAYS AS (v * 2) STORED", "ALTER COLUMN g DROP EXPRESSION"
    ),
    "json": _Change("id int PRIMARY KEY, v int, w text, j json DEFAULT '{\"a\" : 1}', p point DEFAULT '(1,2)'", _ADD),
    "domain": _Change("id int PRIMARY KEY, v int, w full_text", _ADD, prepare="CREATE DOMAIN full_text AS text NOT NULL"),
    "filter": _Change(_INT, _ADD, where="v > 0"),
    "transform": _Change(_INT, _ADD, transforms=(("w", "w || '.'"),)),
    "odd-names": _Change('id int PRIMARY KEY, v int, w text, k0 int DEFAULT 1, v0 int DEFAULT 2, "x ""y" int DEFAULT 3', _ADD),
    "the-key-alone": _Change("id int PRIMARY KEY", _ADD, insert="INSERT INTO t VALUES ({key})", moves="iikd"),
}  # fmt: skip


def _url(server: sandbox.Server, database: str) -> str:
    return f"postgresql://{server.user}@{server.host}:{server.port}/{database}"


def _dialect(url: str, change: _Change) -> PostgresDialect:
    return PostgresDialect(
        MigrateSettings(
            connect=ConnectSettings(dialect="postgres", dsn=url),
            target=TargetSettings(table="t", alter=change.alter, strategy="shadow", transforms=change.transforms),
            copy=COPY,
        )
    )


class _Application:
    """Changes rows by chance, as it is let by the unique keys."""

    def __init__(self, connection: psycopg.Connection[Any], change: _Change, seed: int) -> None:
        self._connection = connection
        self._change = change
        self._by_chance = random.Random(seed)

    def _value(self) -> str:
        number = str(self._by_chance.randrange(-20, 20))
        # Equal, but not the same.
        return number + self._by_chance.choice(["", ".0", ".00"]) if "v numeric" in self._change.columns else number

    def _text(self) -> str:
        return self._by_chance.choice(
            [
                "'short'",
                "''",
                "repeat(md5('1'), 40)",
                "(SELECT string_agg(md5(i::text), '') FROM generate_series(1, 200) i)",
            ]
        )

    def _statement(self) -> str:
        change, key, other = self._change, *self._by_chance.choices(self._change.keys, k=2)
        kind = self._by_chance.choice(change.moves)
        if kind == "i":
            return change.insert.format(key=key, v=self._value(), w=self._text())
        if kind == "k":
            return f"UPDATE t SET id = {key} WHERE id = {other}"
        if kind == "d":
            return f"DELETE FROM t WHERE id = {key}"
        if kind == "s":
            # In two steps, by a value that nobody has: unique keys are checked row by row.
            return (
                f"DO $$ DECLARE one t.v%TYPE; two t.v%TYPE; BEGIN SELECT v INTO one FROM t WHERE id = {key} LIMIT 1; "
                f"SELECT v INTO two FROM t WHERE id = {other} LIMIT 1; UPDATE t SET v = 99 WHERE id = {key}; "
                f"UPDATE t SET v = one WHERE id = {other}; UPDATE t SET v = two WHERE id = {key}; END $$"
            )
        column = self._by_chance.choice("vw")
        return f"UPDATE t SET {column} = {self._value() if column == 'v' else self._text()} WHERE id = {key}"

    def work(self, statements: int) -> None:
        for _ in range(statements):
            try:
                self._connection.execute(self._statement().encode())
            except psycopg.IntegrityError:
                continue


@pytest.mark.parametrize(
    ("name", "version"), [(name, each) for name, change in _CHANGES.items() for each in change.versions]
)
def test_rows_come_to_be_as_in_the_source(
    name: str,
    version: int,
    postgres_with: Callable[[int, sandbox.Options], sandbox.PostgresServer],
    new_database: Callable[[sandbox.Server], str],
) -> None:
    change, server = _CHANGES[name], postgres_with(version, {})
    url = _url(server, new_database(server))
    with psycopg.connect(url, autocommit=True) as connection:
        if change.prepare:
            connection.execute(change.prepare.encode())
        connection.execute(f"CREATE TABLE t ({change.columns}); {change.finish}".encode())
        application = _Application(connection, change, seed=version)
        application.work(20)

        async def scenario() -> None:
            async with running(_dialect(url, change), where=change.where) as run:
                await run.copier.slice(0, at_most=inf)
                await run.housekeeping.build_key()
                await run.housekeeping.build_indexes()
                for size in (1, 2, 5, 10, 20, 40):
                    application.work(size)
                    await run.worker.up_to(await run.parts.stream.end(), _EVERYTHING)
                    while run.backlog:
                        await run.worker.slice(_EVERYTHING, 0.1)
                    wanted = _wanted(connection, change)
                    assert _rows(connection, _SHADOW) == wanted
                    assert await run.parts.comparing.compare(_EVERYTHING) == (len(wanted), [])

        asyncio.run(scenario())


def _rows(connection: psycopg.Connection[Any], table: str) -> list[str]:
    """The source's columns of a table, as text, which shows how a value is written."""
    columns = (
        "SELECT string_agg(quote_ident(attname), ', ') FROM pg_attribute WHERE attrelid = 't'::regclass AND attnum > 0"
    )
    names = str(connection.execute(columns).fetchall()[0][0])
    rows = connection.execute(f"SELECT ROW({names})::text FROM {table}".encode()).fetchall()
    return sorted(row[0] for row in rows)


def _wanted(connection: psycopg.Connection[Any], change: _Change) -> list[str]:
    connection.execute("DROP TABLE IF EXISTS pg_temp.wanted")
    connection.execute(f"CREATE TEMP TABLE wanted AS SELECT * FROM t WHERE {change.where or 'TRUE'}".encode())
    for column, transform in change.transforms:
        connection.execute(f"UPDATE wanted SET {column} = {transform}".encode())
    if "TYPE" in change.alter:
        connection.execute(f"ALTER TABLE wanted {change.alter}".encode())
    return _rows(connection, "wanted")


@pytest.mark.parametrize("narrow", ["varchar(3)", "character(3)", "varchar(3)[]", "short"])
def test_what_a_cast_would_cut_off_is_refused(
    narrow: str, postgres: sandbox.PostgresServer, new_database: Callable[[sandbox.Server], str]
) -> None:
    url = _url(postgres, new_database(postgres))
    array = "[]" if narrow.endswith("[]") else ""
    short, long = ("'{abc}'", "'{abcd}'") if array else ("'abc'", "'abcd'")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE DOMAIN short AS varchar(3)")
        connection.execute(
            f"CREATE TABLE t (id int PRIMARY KEY, w varchar{array}); INSERT INTO t VALUES (1, {short})".encode()
        )

        async def scenario() -> None:
            async with running(_dialect(url, _Change("", f"ALTER COLUMN w TYPE {narrow}"))) as run:
                await run.copier.slice(0, at_most=inf)
                await run.housekeeping.build_key()
                connection.execute(f"UPDATE t SET w = {long}".encode())
                await run.worker.up_to(await run.parts.stream.end(), _EVERYTHING)

        with pytest.raises(errors.DataDoesNotFit, match="too long"):
            asyncio.run(scenario())
