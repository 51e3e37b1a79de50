"""What dead runs left in a PostgreSQL database is found and removed; what is in use, or somebody else's, is not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence

import psycopg
import pytest

from ghostpy import errors, sandbox
from ghostpy.dialects import leftovers_of
from ghostpy.dialects.postgres.housekeeping import LOCK_CLASS
from ghostpy.model.leftover import Leftover
from ghostpy.settings import ConnectSettings

NewDatabase = Callable[[sandbox.Server], str]
PostgresWith = Callable[[int, sandbox.Options], sandbox.PostgresServer]
Connection = psycopg.Connection[tuple[object, ...]]


@pytest.fixture(params=[18, 15])
def url(request: pytest.FixtureRequest, postgres_with: PostgresWith, new_database: NewDatabase) -> str:
    """A database with a table `t`."""
    server = postgres_with(request.param, {})
    address = f"postgresql://{server.user}@{server.host}:{server.port}/{new_database(server)}"
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("CREATE TABLE t (id int PRIMARY KEY)")
    return address


@pytest.fixture
def session(url: str) -> Iterator[Connection]:
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection
        connection.execute(
            "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = current_database()"
        )


def settings(url: str) -> ConnectSettings:
    return ConnectSettings(dialect="postgres", dsn=url)


def found(url: str) -> Sequence[Leftover]:
    async def find() -> Sequence[Leftover]:
        async with leftovers_of(settings(url)) as leftovers:
            return await leftovers.find()

    return asyncio.run(find())


def remove(url: str, name: str, *, meanwhile: Callable[[], object] = lambda: None) -> None:
    """Find all of it, let something happen, then remove what is called `name`."""

    async def run() -> None:
        async with leftovers_of(settings(url)) as leftovers:
            (wanted,) = [leftover for leftover in await leftovers.find() if leftover.name == name]
            meanwhile()
            await leftovers.remove(wanted)

    asyncio.run(run())


def oid(session: Connection) -> int:
    return int(str(session.execute("SELECT 't'::regclass::oid::bigint").fetchone()[0]))  # type: ignore[index]


def slot_name(session: Connection) -> str:
    database = session.execute("SELECT oid FROM pg_database WHERE datname = current_database()").fetchone()
    return f"ghostpy_{database[0]}_{oid(session)}"  # type: ignore[index]


def register(session: Connection, *, slot: bool = True) -> str:
    name = slot_name(session)
    session.execute(f"CREATE PUBLICATION {name} FOR TABLE t".encode())
    if slot:
        session.execute("SELECT pg_create_logical_replication_slot(%s, 'pgoutput')", [name])
    return name


def schema(session: Connection, name: str, comment: str | None, *tables: str) -> None:
    session.execute(f"CREATE SCHEMA {name}".encode())
    if comment is not None:
        session.execute(f"COMMENT ON SCHEMA {name} IS '{comment}'".encode())
    for table in tables:
        session.execute(f"CREATE TABLE {name}.{table}".encode())


def lock(session: Connection) -> None:
    """As a run does."""
    session.execute(f"SELECT pg_advisory_lock({LOCK_CLASS}, {oid(session)})".encode())


SHADOW = "ghostpy: shadow of public.t"
OLD = "ghostpy: old table of public.t"


def test_nothing_is_found_where_nothing_is(url: str, session: Connection) -> None:
    schema(session, "_public_t_gho", None, "t (id int)")
    session.execute("CREATE PUBLICATION ghostpy_like_but_not FOR TABLE t")
    assert list(found(url)) == []


def test_a_slot_and_a_publication(url: str, session: Connection) -> None:
    name = register(session)
    assert list(found(url)) == [Leftover("replication slot and publication", name, "public.t", alive=False)]
    remove(url, name)
    assert list(found(url)) == []


def test_a_publication_alone(url: str, session: Connection) -> None:
    name = register(session, slot=False)
    assert list(found(url)) == [Leftover("publication", name, "public.t", alive=False)]
    remove(url, name)
    assert list(found(url)) == []


def test_a_slot_whose_table_is_gone(url: str, session: Connection) -> None:
    name = register(session)
    session.execute("DROP TABLE t")
    assert [leftover.of for leftover in found(url)] == ["a table that is gone"]
    remove(url, name)
    assert list(found(url)) == []


def test_a_shadow_with_its_ledger(url: str, session: Connection) -> None:
    schema(session, "_public_t_gho", SHADOW, "t (id int)", "_ghostpy_ledger (id text PRIMARY KEY, value text)")
    session.execute("INSERT INTO _public_t_gho._ghostpy_ledger VALUES ('oid', %s)", [str(oid(session))])
    # The table's name may be another by now; its OID is not.
    session.execute("ALTER TABLE t RENAME TO renamed")
    assert list(found(url)) == [Leftover("schema", "_public_t_gho", "public.t", alive=False)]
    session.execute("ALTER TABLE renamed RENAME TO t")
    lock(session)
    assert list(found(url)) == [Leftover("schema", "_public_t_gho", "public.t", alive=True)]
    session.execute("SELECT pg_advisory_unlock_all()")
    remove(url, "_public_t_gho")
    assert list(found(url)) == []


def test_an_old_table_is_kept(url: str, session: Connection) -> None:
    schema(session, "_public_t_del", OLD, "t (id int)")
    assert list(found(url)) == [Leftover("schema", "_public_t_del", "public.t", alive=False, kept=True)]
    with pytest.raises(errors.AlreadyRunning):
        remove(url, "_public_t_del")
    assert len(found(url)) == 1


def test_an_old_table_goes_where_it_is_named(url: str, session: Connection) -> None:
    schema(session, "_public_t_del", OLD, "t (id int)")

    async def run(name: str) -> None:
        async with leftovers_of(settings(url)) as leftovers:
            (wanted,) = [leftover for leftover in await leftovers.find() if leftover.name == name]
            assert wanted.size is not None
            await leftovers.remove(wanted, named=True)

    lock(session)
    with pytest.raises(errors.AlreadyRunning):
        asyncio.run(run("_public_t_del"))
    session.execute("SELECT pg_advisory_unlock_all()")
    asyncio.run(run("_public_t_del"))
    assert list(found(url)) == []


def test_the_empty_schema_for_an_old_table_is_not_kept(url: str, session: Connection) -> None:
    schema(session, "_public_t_del", OLD)
    remove(url, "_public_t_del")
    assert list(found(url)) == []


def test_what_a_run_uses_is_alive(url: str, session: Connection) -> None:
    name = register(session)
    schema(session, "_public_t_gho", SHADOW, "t (id int)")
    schema(session, "_unknown_gho", "ghostpy: shadow of public.unknown", "t (id int)")
    lock(session)
    assert {leftover.name: leftover.alive for leftover in found(url)} == {
        name: True,
        "_public_t_gho": True,
        # Whose it is cannot be told, so it may be that run's.
        "_unknown_gho": True,
    }
    for left in (name, "_public_t_gho", "_unknown_gho"):
        with pytest.raises(errors.AlreadyRunning):
            remove(url, left)
    assert len(found(url)) == 3


@pytest.mark.parametrize("what", ["slot", "schema"])
def test_a_run_that_begins_meanwhile_keeps_what_it_uses(url: str, session: Connection, what: str) -> None:
    name = register(session)
    schema(session, "_public_t_gho", SHADOW, "t (id int)")
    with pytest.raises(errors.AlreadyRunning, match="begun meanwhile"):
        remove(url, name if what == "slot" else "_public_t_gho", meanwhile=lambda: lock(session))
    assert len(found(url)) == 2


def test_locks_of_others_say_nothing(url: str, session: Connection) -> None:
    register(session)
    session.execute("SELECT pg_advisory_lock(%s::int, %s::int)", [1, oid(session)])
    assert [leftover.alive for leftover in found(url)] == [False]
