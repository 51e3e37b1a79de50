"""The disk is full while a run copies: it ends, the source is whole, and with room again the same command goes on."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from migrating import cursor_of, ghostpy, url_of
from postgres_witness import assert_nothing_held

from ghostpy import sandbox
from ghostpy.sandbox.load import Load
from ghostpy.sandbox.shapes import PgbenchRows
from ghostpy.sandbox.writers import Writers

PostgresWith = Callable[[int, sandbox.Options], sandbox.PostgresServer]
_ROWS = 12_000
_ROOM = 17 << 20
"""Bytes that a file may have: a segment of WAL does, the copy does not."""


@contextmanager
def _full(server: sandbox.PostgresServer) -> Iterator[None]:
    """For sessions that begin from now on."""
    _limit(server, str(_ROOM))
    try:
        yield
    finally:
        _limit(server, "unlimited")


def _limit(server: sandbox.PostgresServer, soft: str) -> None:
    """As the server's own user: others may not, root without privileges over the machine among them."""
    owner = Path(f"/proc/{server.pid}").stat()
    call = ["prlimit", f"--pid={server.pid}", f"--fsize={soft}:unlimited"]
    ours = os.geteuid() == owner.st_uid
    subprocess.run(
        call,
        check=True,
        **({} if ours else {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []}),
    )


def test_on_postgres(postgres_with: PostgresWith, new_database: Callable[[sandbox.Server], str]) -> None:
    server = postgres_with(18, {"wal_level": "logical"})
    database = new_database(server)
    with cursor_of(server, database) as cursor:
        cursor.execute("CREATE TABLE t (aid int PRIMARY KEY, bid int, abalance int, filler char(84))")
        cursor.execute(f"INSERT INTO t SELECT i, 1, 0, '' FROM generate_series(1, {_ROWS}) AS i")
    call = ["migrate", f"--url={url_of(server, database)}", "--table=t", "--execute", "--checkpoint-seconds=1"]
    # Too long for a page to hold five of them, and too short to be kept elsewhere.
    call += ["--alter=ADD COLUMN more text", "--transform=more=repeat(md5(aid::text), 58)", "--chunk-size=200"]
    load = Load(
        server.host,
        server.port,
        database,
        "t",
        _ROWS,
        user=server.user,
        rate=100,
        shape=PgbenchRows(),
        mix={"update": 1.0},
    )
    with Writers(load) as writers:
        with _full(server):
            full = ghostpy(*call)
        done = ghostpy(*call)
        committed = writers.stop()
    assert full.status == 10, full.errors
    assert "public.t was not changed" in full.errors
    assert "File too large" in full.errors
    assert done.status == 0, done.errors
    assert committed.errors == []
    with cursor_of(server, database) as cursor:
        cursor.execute("SELECT count(*), count(*) FILTER (WHERE more = repeat(md5(aid::text), 58)) FROM t")
        assert cursor.fetchall() == [(_ROWS, _ROWS)]
        cursor.execute("SELECT aid, abalance FROM t")
        found = dict(cursor.fetchall())
        for row, values in committed.rows.items():
            assert values is not None
            assert values.get("abalance", found[row]) == found[row]
    assert_nothing_held(server, database)
