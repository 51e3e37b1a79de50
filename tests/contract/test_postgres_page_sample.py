"""Where the rows of a sample of pages come from, and how large a part of the table they are."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from postgres_altering import settings

from ghostpy import sandbox
from ghostpy.dialects.postgres import page_sample
from ghostpy.dialects.postgres.facts import server_facts
from ghostpy.dialects.postgres.page_sample import PageSample
from ghostpy.dialects.postgres.session import opened
from ghostpy.model.names import TableName
from ghostpy.settings import ConnectSettings

NewDatabase = Callable[[sandbox.Server], str]
_SOURCE, _CLONE = TableName("public", "t"), TableName("public", "sample")


async def _taken(where: ConnectSettings, rows: int, seconds: float) -> tuple[int, float, list[int]]:
    """How many rows, for how many times as many pages, and which of the table's tenths they are from."""
    async with opened(where, purpose="test") as session:
        await session.execute(
            'CREATE TABLE t (id int, "a {b}" text); CREATE TABLE sample (id int, "a {b}" text)', doing="making tables"
        )
        await session.execute(f"INSERT INTO t SELECT n, 'x' FROM generate_series(1, {rows}) n", doing="filling")
        pages = PageSample(session, await server_facts(session), _SOURCE, _CLONE, ["id", "a {b}"])
        async with session.transaction():
            found, _ = await pages.taken(seconds)
        tenths = await session.query(
            f"SELECT DISTINCT (id - 1) * 10 / greatest({rows}, 1) FROM sample ORDER BY 1", doing="looking"
        )
        assert await session.scalar("SELECT count(*) FROM sample", doing="counting") == found
        return found, pages.times, [int(tenth) for (tenth,) in tenths]


@pytest.mark.parametrize("rows", [0, 1, 1000])
def test_a_small_table_is_taken_as_a_whole(
    postgres: sandbox.PostgresServer, new_database: NewDatabase, rows: int
) -> None:
    found, times, _ = asyncio.run(_taken(settings(postgres, new_database(postgres)), rows, 10.0))
    assert (found, times) == (rows, 1.0)


def test_a_large_one_from_all_over_it(
    postgres: sandbox.PostgresServer, new_database: NewDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_sample, "_MOST", 2)
    rows = 100_000
    found, times, tenths = asyncio.run(_taken(settings(postgres, new_database(postgres)), rows, 60.0))
    assert 0 < found < rows / 2
    assert found * times == pytest.approx(rows, rel=0.1)
    assert tenths == list(range(10))


def test_where_it_takes_too_long(postgres: sandbox.PostgresServer, new_database: NewDatabase) -> None:
    """One strip, whatever it takes; the rest is left out, and known to be."""
    rows = 100_000
    found, times, tenths = asyncio.run(_taken(settings(postgres, new_database(postgres)), rows, 0.0))
    assert found * times == pytest.approx(rows, rel=0.1)
    assert tenths == [0]
