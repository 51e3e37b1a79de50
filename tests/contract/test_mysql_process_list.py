"""The server's list of sessions has other sessions' statements in it, whatever they are."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pymysql
import pytest
from mysql_following import connect, run, settings
from waiting import until

from ghostpy import sandbox
from ghostpy.dialects.mysql.session import Session, kill, opened, see_gone

_BYTES = b"SELECT SLEEP(100), _binary'\xff\xfe\xc3'"
# The list has 100 bytes of a statement: with one of the two a character is cut.
_CUT = [f"SELECT SLEEP(100), '{pad}{'é' * 90}'".encode() for pad in ("", "x")]


@pytest.fixture(params=["mysql", "mariadb"])
def server(request: pytest.FixtureRequest) -> sandbox.MySQLServer:
    found: sandbox.MySQLServer = request.getfixturevalue(request.param)
    return found


@contextmanager
def _at_work(server: sandbox.MySQLServer, statement: bytes) -> Iterator[int]:
    """A session that runs a statement for the length of a block."""
    with connect(server) as other, connect(server) as killing:
        identity = int(run(other, "SELECT CONNECTION_ID()")[0][0])
        other._execute_command(3, statement)  # a COM_QUERY, byte by byte
        ended = threading.Thread(target=_answered, args=(other,))
        ended.start()
        asked = f"SELECT COUNT(*) FROM performance_schema.threads WHERE PROCESSLIST_ID = {identity} AND PROCESSLIST_COMMAND = 'Query'"
        if server.kind == "mariadb":
            asked = f"SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE ID = {identity} AND COMMAND = 'Query'"
        until(lambda: run(killing, asked)[0][0], "the statement to be under way")
        try:
            yield identity
        finally:
            run(killing, f"KILL QUERY {identity}")
            ended.join()


def _answered(other: Any) -> None:
    with suppress(pymysql.MySQLError):  # MariaDB calls it an error that it was interrupted
        other._read_query_result()


@pytest.mark.parametrize("statement", [_BYTES, *_CUT], ids=["bytes", "one", "the other"])
def test_sessions_are_opened_listed_and_killed_beside_any_statement(
    server: sandbox.MySQLServer, statement: bytes
) -> None:
    async def check(identity: int) -> None:
        where = settings(server)
        async with opened(where, purpose="test") as session:
            for whole in (False, True):
                listed = {row[0]: row for row in await session.sessions(whole=whole, doing="looking")}
                assert session.connection_id in listed
                told = str(listed[identity][7])
                assert told.startswith("SELECT SLEEP(100), ")
                if whole:
                    assert told == statement.decode("utf-8", "replace")
            # Other answers are read as before.
            assert await session.scalar("SELECT 'é'") == "é"
            lost = Session(where, purpose="lost")
            await lost.open()
            await asyncio.to_thread(kill, where, lost.connection_id, lost.seen_as)
            assert await see_gone(where, lost.connection_id, lost.seen_as)
            await lost.close()

    with _at_work(server, statement) as identity:
        asyncio.run(check(identity))
