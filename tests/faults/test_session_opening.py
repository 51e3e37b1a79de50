"""A session that ends while it is being opened has been asked for nothing: another may take its place."""

from __future__ import annotations

import asyncio

import pytest
from proxy import Proxy, proxied

from ghostpy import sandbox
from ghostpy.dialects.mysql import session as mysql_session
from ghostpy.dialects.postgres import session as postgres_session
from ghostpy.settings import ConnectSettings


def test_mysql(mysql: sandbox.MySQLServer) -> None:
    asyncio.run(_on_mysql(mysql))


def test_postgres(postgres: sandbox.PostgresServer) -> None:
    asyncio.run(_on_postgres(postgres))


def test_postgres_broken_off(postgres: sandbox.PostgresServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who gives up waiting for a session that is being opened leaves none behind."""

    async def broken_off() -> None:
        asked = asyncio.Event()
        sessions: list[postgres_session.Session] = []

        async def never_answered(session: postgres_session.Session, *_: object, **__: object) -> None:
            sessions.append(session)
            asked.set()
            await asyncio.sleep(60)

        async def opening() -> None:
            connect = ConnectSettings(dsn=f"postgresql://{postgres.user}@{postgres.host}:{postgres.port}/postgres")
            async with postgres_session.opened(connect, purpose="test"):
                raise AssertionError("it was opened")

        monkeypatch.setattr(postgres_session.Session, "query", never_answered)
        task = asyncio.create_task(opening())
        await asked.wait()
        connection = sessions[0].connection
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert connection.closed

    asyncio.run(broken_off())


async def _on_mysql(mysql: sandbox.MySQLServer) -> None:
    with proxied(mysql.host, mysql.port) as proxy:
        connect = ConnectSettings(host="127.0.0.1", port=proxy.port, user=mysql.user)
        pool = mysql_session.SessionPool(connect, purpose="test", size=1)
        proxy.cut_at(b"@@GLOBAL.sql_mode")
        with pytest.raises(mysql_session.SessionLost, match="setting a session up"):
            async with pool.session():
                raise AssertionError("it was opened")
        async with pool.session() as session:
            assert await session.scalar("SELECT 1") == 1
        await pool.close()


async def _on_postgres(postgres: sandbox.PostgresServer) -> None:
    with proxied(postgres.host, postgres.port) as proxy:
        pool = postgres_session.SessionPool(_postgres(postgres, proxy), purpose="test", size=1)
        proxy.cut_at(b"pg_stat_get_activity")
        with pytest.raises(postgres_session.SessionLost, match="opening a session"):
            async with pool.session():
                raise AssertionError("it was opened")
        async with pool.session() as session:
            assert await session.scalar("SELECT 1", doing="looking") == 1
        await pool.close()


def _postgres(server: sandbox.PostgresServer, proxy: Proxy) -> ConnectSettings:
    return ConnectSettings(dsn=f"postgresql://{server.user}@127.0.0.1:{proxy.port}/postgres")
