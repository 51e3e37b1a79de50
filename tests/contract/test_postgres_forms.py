"""Every form of ALTER TABLE in forms/postgres.txt: what the plan says of strategy, locks and work is what the server does to a filled table."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import psycopg
import pytest
from alter_forms import STRATEGIES, Form, forms
from postgres_altering import SOURCE, TABLES, Done, carried_out, connected, differing, really_done, remains, settings
from waiting import until

from ghostpy import errors, sandbox
from ghostpy.dialects.postgres.facts import server_facts
from ghostpy.dialects.postgres.in_place.locks import strongest, words_of
from ghostpy.dialects.postgres.in_place.steps import Choice, Step
from ghostpy.dialects.postgres.in_place.table_state import table_state
from ghostpy.dialects.postgres.planner import Planner
from ghostpy.dialects.postgres.session import opened
from ghostpy.dialects.postgres.target import asked_for, resolved
from ghostpy.model.plan import Plan, Strategy
from ghostpy.model.planned_step import Blocks, Lasts
from ghostpy.planning.postgres_alter import parse_alter
from ghostpy.settings import ConnectSettings, TargetSettings

Where = Callable[[int, sandbox.Options], sandbox.PostgresServer]

LOCKS = {"AX": "ACCESS EXCLUSIVE", "SRX": "SHARE ROW EXCLUSIVE", "S": "SHARE", "SUX": "SHARE UPDATE EXCLUSIVE"}
# Notes at the end of each statement the locks that its transaction holds then.
WATCH = """
CREATE SCHEMA watch;
CREATE TABLE watch.seen (id int GENERATED ALWAYS AS IDENTITY, xid text, query text, on_t text[], on_p text[]);
CREATE TABLE watch.tables AS SELECT 't'::regclass::oid::int8 AS t, 'p'::regclass::oid::int8 AS p;
CREATE FUNCTION watch.held(int8) RETURNS text[] LANGUAGE sql AS
    'SELECT array_agg(mode) FROM pg_locks WHERE pid = pg_backend_pid() AND granted AND relation = $1';
CREATE FUNCTION watch.note() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO watch.seen (xid, query, on_t, on_p)
    SELECT pg_current_xact_id()::text, current_query(), watch.held(t), watch.held(p) FROM watch.tables;
END $$;
CREATE EVENT TRIGGER watching ON ddl_command_end EXECUTE FUNCTION watch.note();
"""


_EACH = {18: 2, 15: 8}
"""Every how many of the forms are tried on these versions in the short run."""


def _cases() -> Iterator[Any]:
    """A spread, wider on an older version; all of them on all versions in the long run."""
    for version in (18, 15, 14, 16, 17):
        for number, form in enumerate(forms("postgres")):
            if version < form.since:
                continue
            now = version in _EACH and number % _EACH[version] == 0
            marks = () if now else pytest.mark.soak
            yield pytest.param(version, form, marks=marks, id=f"{version}-{form.alter[:60]}")


@pytest.fixture(scope="module")
def fresh(postgres_with: Where) -> Iterator[Callable[[int], ConnectSettings]]:
    """A database of each version's server, emptied each time it is asked for: that is quicker than a new one."""
    made: dict[int, sandbox.PostgresServer] = {}

    def get(version: int) -> ConnectSettings:
        if version not in made:
            made[version] = postgres_with(version, {})
            made[version].execute("CREATE DATABASE forms")
        where = settings(made[version], "forms")
        empty = "DROP SCHEMA IF EXISTS watch, elsewhere CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public"
        with connected(where, f"{empty}; DROP ACCESS METHOD IF EXISTS heap2"):
            return where

    yield get
    for server in made.values():
        server.execute("DROP DATABASE forms WITH (FORCE)")


@pytest.mark.parametrize(("version", "form"), list(_cases()))
def test_the_plan_says_what_the_server_does(fresh: Callable[[int], ConnectSettings], version: int, form: Form) -> None:
    where = fresh(version)
    with connected(where, TABLES, *([form.before] if form.before else [])) as connection:
        if form.refused:
            with pytest.raises(errors.PlanRefused) as refused:
                asyncio.run(_planned(where, form.alter))
            assert [each.code for each in refused.value.findings if each.severity.value == "refuse"] == [form.refused]
            with pytest.raises(psycopg.Error):
                really_done(connection, parse_alter(form.alter).statements('"public"."t"'))
            return
        plan, steps = asyncio.run(_planned(where, form.alter))
        assert plan.strategy is STRATEGIES[form.strategy], plan
        assert connection.execute("SELECT count(*) FROM pg_namespace WHERE nspname LIKE '%gh%'").fetchone() == (0,)
        if form.lock == "-":
            return
        statements = steps[0].sql if "RENAME TO" in form.alter else parse_alter(form.alter).statements('"public"."t"')
        done = really_done(connection, statements)
        assert (done.lock, _work(done)) == (LOCKS[form.lock], form.work)
        _agrees(plan, steps, done)
        if plan.strategy is not Strategy.SHADOW:
            assert asyncio.run(_carried_out_and_as_written(where, connection, statements, steps)) == ()
            assert remains(connection) == []


def _work(done: Done) -> str:
    kinds = {"rewriting table": "rewrites", "building index": "builds", "verifying table": "reads"}
    found = {kinds.get(message, "reads") for message in done.messages}
    if done.moved and "builds" not in found:
        found.add("moves")
    return next((kind for kind in ("rewrites", "moves", "builds", "reads") if kind in found), "none")


def _agrees(plan: Plan, steps: Sequence[Step], done: Done) -> None:
    """What the plan tells about its steps fits with what the statement as written did."""
    if plan.strategy is Strategy.INSTANT:
        assert not done.work
        (told,), (step,) = plan.steps, steps
        assert (step.lock, dict(step.others).get("public.p", "")) == (done.lock, done.parent)
        assert (told.lasts, told.lock.startswith(f"{done.lock} on public.t")) == (Lasts.MOMENT, True)
        readers = "ACCESS EXCLUSIVE" in (done.lock, done.parent)
        assert told.blocks is (Blocks.ALL if readers else _blocked(done.lock))
    elif plan.strategy is Strategy.STAGED:
        assert not done.moved
        # Whoever is kept waiting is so for a moment only.
        assert all(step.blocks is Blocks.NONE for step in plan.steps if step.lasts is Lasts.GROWS)
    else:
        assert done.work


def _blocked(lock: str) -> Blocks:
    return {"SHARE UPDATE EXCLUSIVE": Blocks.NONE, "SHARE ROW EXCLUSIVE": Blocks.WRITERS}.get(lock, Blocks.ALL)


async def _planned(where: ConnectSettings, alter: str) -> tuple[Plan, Sequence[Step]]:
    target = TargetSettings(database="forms", table=str(SOURCE), alter=alter)
    async with opened(where, purpose="test") as session:
        facts = await server_facts(session)
        found = await resolved(session, asked_for(target), target, started=datetime.now())
        plan, work = await Planner(session, facts, found, target).plan()
    return plan, work.steps


async def _carried_out_and_as_written(
    where: ConnectSettings, connection: psycopg.Connection[Any], statements: Sequence[str], steps: Sequence[Step]
) -> object:
    """What differs between the table as the steps make it, and as the ALTER as written makes it; the steps take the locks that they say."""
    async with opened(where, purpose="test") as session:
        oid = await session.scalar("SELECT 't'::regclass::oid::int8", doing="test")
        async with session.transaction(keep=False):
            for statement in statements:
                await session.execute(statement, doing="test")
            wanted = await table_state(session, oid)
        with _watched(connection) as seen:
            await carried_out(where, Choice(Strategy.STAGED, "", tuple(steps)))
        told = [(step.lock, dict(step.others).get("public.p", "")) for step in steps if not step.alone]
        assert seen == told
        async with session.transaction(keep=False):
            found = await table_state(session, oid)
    return () if found.same_definition(wanted) else differing(found, wanted)


@contextmanager
def _watched(connection: psycopg.Connection[Any]) -> Iterator[list[tuple[str, str]]]:
    """The strongest locks on t and p of each transaction that changes the schema within the block; what is done CONCURRENTLY is not among them."""
    connection.execute(WATCH.encode())
    found: list[tuple[str, str]] = []
    try:
        yield found
    finally:
        connection.execute("DROP EVENT TRIGGER watching")
    rows = connection.execute(
        "SELECT DISTINCT ON (xid) on_t, on_p, id FROM watch.seen WHERE query NOT LIKE '%CONCURRENTLY%' ORDER BY xid, id DESC"
    ).fetchall()
    for on_t, on_p, _ in sorted(rows, key=lambda row: row[2]):
        found.append((strongest(map(words_of, on_t or ())), strongest(map(words_of, on_p or ()))))


@pytest.mark.parametrize("alter", ["CREATE INDEX ON t (a, b)", "DROP INDEX b_index", "ADD UNIQUE (a, n)"])
def test_what_is_done_concurrently_locks_no_more_than_the_plan_says(
    fresh: Callable[[int], ConnectSettings], alter: str
) -> None:
    """It waits for a writer whose transaction is open, so that its locks can be looked at."""
    where = fresh(18)
    waiting = (
        "SELECT array_agg(DISTINCT l.mode) FROM pg_locks l JOIN pg_stat_activity a USING (pid) "
        "WHERE l.relation = 't'::regclass AND l.granted AND a.query LIKE '%%CONCURRENTLY%%' AND a.wait_event_type = 'Lock'"
    )
    with connected(where, TABLES) as connection, connected(where) as writer:
        _, steps = asyncio.run(_planned(where, alter))
        (step,) = (step for step in steps if step.alone)
        writer.execute("BEGIN; UPDATE t SET a = a WHERE id = 1")
        work = threading.Thread(
            target=lambda: asyncio.run(carried_out(where, Choice(Strategy.STAGED, "", tuple(steps))))
        )
        work.start()
        try:
            until(lambda: (connection.execute(waiting.encode()).fetchone() or [None])[0], "the step to wait")
            held = (connection.execute(waiting.encode()).fetchone() or [()])[0]
            assert strongest(map(words_of, held)) == step.lock == "SHARE UPDATE EXCLUSIVE"
            # Nobody else waits for it.
            with connected(where, "SET lock_timeout = '5s'", "UPDATE t SET a = a WHERE id = 2"):
                pass
        finally:
            writer.execute("COMMIT")
            work.join()
        assert remains(connection) == []
