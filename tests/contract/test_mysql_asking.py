"""Questions on one session: several at a time are answered one after the other, and who gives up is in nobody's way."""

from __future__ import annotations

import asyncio

import pytest

from ghostpy import sandbox
from ghostpy.dialects.mysql.asking import AskingSession
from ghostpy.settings import ConnectSettings


def test_several_ask_at_the_same_time(mysql: sandbox.MySQLServer) -> None:
    async def main() -> None:
        session = AskingSession(ConnectSettings(host=mysql.host, port=mysql.port, user=mysql.user), purpose="test")
        try:
            first = await session.query("SELECT CONNECTION_ID()", doing="asking")
            answers = await asyncio.gather(
                *(session.query(f"SELECT CONNECTION_ID(), {n}, SLEEP(0.002)", doing="asking") for n in range(50)),
                *(session.record("SELECT CONNECTION_ID() AS id", doing="asking") for _ in range(5)),
            )
            # Nobody's question has cost another its session.
            assert [answer[0][:2] for answer in answers[:50]] == [(first[0][0], n) for n in range(50)]
            assert answers[50:] == [{"id": first[0][0]}] * 5
        finally:
            await session.close()

    asyncio.run(main())


def test_who_gives_up_leaves_a_fresh_session_to_the_others(mysql: sandbox.MySQLServer) -> None:
    async def main() -> None:
        session = AskingSession(ConnectSettings(host=mysql.host, port=mysql.port, user=mysql.user), purpose="test")
        try:
            first = await session.query("SELECT CONNECTION_ID()", doing="asking")
            slow = asyncio.create_task(session.query("SELECT SLEEP(60)", doing="asking"))
            await asyncio.sleep(0.2)
            behind = asyncio.create_task(session.query("SELECT CONNECTION_ID()", doing="asking"))
            await asyncio.sleep(0.1)
            slow.cancel()
            with pytest.raises(asyncio.CancelledError):
                await slow
            async with asyncio.timeout(30):
                assert (await behind)[0][0] != first[0][0]
            left = mysql.execute(
                "SELECT COUNT(*) AS n FROM performance_schema.processlist WHERE info LIKE 'SELECT SLEEP(60)'"
            )
            assert left == [{"n": 0}]
        finally:
            await session.close()

    asyncio.run(main())
