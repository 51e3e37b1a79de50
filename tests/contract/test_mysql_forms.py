"""Every form of ALTER TABLE in forms/mysql.txt and forms/mariadb.txt: what the plan says is what the server does to a filled table."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pymysql
import pytest
from alter_forms import STRATEGIES, Form, forms
from mysql_altering import Done, asked, connected, made_anew, run

from ghostpy import errors, sandbox
from ghostpy.dialects.mysql.facts import server_facts
from ghostpy.dialects.mysql.native import Native
from ghostpy.dialects.mysql.planner import Planner, resolve_target
from ghostpy.dialects.mysql.session import opened
from ghostpy.model.plan import Plan, Strategy
from ghostpy.model.planned_step import Blocks, Lasts
from ghostpy.planning.alter import parse_alter
from ghostpy.settings import ConnectSettings, TargetSettings, TopologySettings

_SHARED = (("INPLACE", "NONE"), ("INPLACE", "SHARED"), ("COPY", "SHARED"))
_MARIADB = (("INSTANT", ""), ("NOCOPY", "NONE"), ("NOCOPY", "SHARED"), *_SHARED)
LADDERS = {"mysql": (("INSTANT", ""), *_SHARED), "mariadb": _MARIADB, "mariadb_11": _MARIADB}
_EACH = {"mysql": 2, "mariadb": 8, "mariadb_11": 64}


def _cases() -> Iterator[Any]:
    """A spread, and all of them in the long run."""
    for kind in LADDERS:
        for number, form in enumerate(forms(kind.removesuffix("_11"))):
            marks = () if number % _EACH[kind] == 0 else pytest.mark.soak
            yield pytest.param(kind, form, marks=marks, id=f"{kind}-{form.alter[:60]}-{number}")


@pytest.fixture(scope="module")
def place(request: pytest.FixtureRequest) -> Iterator[Callable[[str], tuple[sandbox.Server, str]]]:
    """A server of each kind, and a database on it, emptied each time it is asked for: that is quicker than a new one."""
    made: dict[str, sandbox.Server] = {}

    def get(kind: str) -> tuple[sandbox.Server, str]:
        if kind not in made:
            made[kind] = request.getfixturevalue(kind)
            made[kind].execute("CREATE DATABASE forms", "CREATE DATABASE forms_twin")
        return made[kind], "forms"

    yield get
    for server in made.values():
        server.execute("DROP DATABASE forms", "DROP DATABASE forms_twin")


@pytest.mark.parametrize(("kind", "form"), list(_cases()))
def test_the_plan_says_what_the_server_does(
    place: Callable[[str], tuple[sandbox.Server, str]], kind: str, form: Form
) -> None:
    server, database = place(kind)
    with connected(server, database) as connection:
        made_anew(connection, mariadb=kind != "mysql")
        run(connection, form.before)
        if form.refused:
            with pytest.raises(errors.PlanRefused) as refused:
                asyncio.run(_planned(server, form.alter, strategy="auto"))
            assert [each.code for each in refused.value.findings if each.severity.value == "refuse"] == [form.refused]
            assert _tables(connection) == {"t", "parent"}
            if form.refused == "alter-refused":
                with pytest.raises(pymysql.MySQLError):
                    run(connection, f"ALTER TABLE t {form.alter}")
            return
        plan, found = asyncio.run(_planned(server, form.alter, strategy="auto"))
        assert _tables(connection) == {"t", "parent"}
        assert plan.strategy is STRATEGIES[form.strategy], plan
        if form.lock == "-":
            return
        as_written = _on_a_twin(server, form.alter)
        in_place = plan.strategy is not Strategy.SHADOW
        if in_place:
            # Exactly the statement that the plan tells.
            assert found is not None
            assert plan.steps[0].does == f"ALTER TABLE `forms`.`t` {found.request}, {parse_alter(form.alter).clauses}"
        # Of two ALGORITHM clauses the server takes the last.
        ladder = [each for each in LADDERS[kind] if "ALGORITHM" not in form.alter or f"={each[0]}" in form.alter]
        done = asked(connection, "t", form.alter, ladder)
        assert (done.how, done.work, as_written.work) == (form.lock, form.work, form.work)
        predicted = "COPY SHARED" if found is None else " ".join(filter(None, (found.algorithm, found.lock)))
        assert predicted == form.lock
        if found is not None:
            assert ("rewrites" if found.rewrites else "builds" if found.builds else "none") == form.work
        if in_place:
            assert plan.steps[0].blocks is (Blocks.NONE if form.work == "builds" else Blocks.ALL)
            assert plan.steps[0].lasts is (Lasts.GROWS if form.work == "builds" else Lasts.MOMENT)


def _on_a_twin(server: sandbox.Server, alter: str) -> Done:
    """What the ALTER as written does to a filled table like t."""
    with connected(server, "forms_twin") as connection, connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS t")
        cursor.execute("CREATE TABLE t LIKE forms.t")
        cursor.execute(
            "SELECT GROUP_CONCAT(CONCAT('`', column_name, '`')) FROM information_schema.columns "
            "WHERE table_schema = DATABASE() AND table_name = 't' AND COALESCE(generation_expression, '') = ''"
        )
        columns = (cursor.fetchone() or ("",))[0]
        cursor.execute(f"INSERT INTO t ({columns}) SELECT {columns} FROM forms.t")
        return asked(connection, "t", alter, [("", "")])


def _tables(connection: pymysql.connections.Connection[Any]) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()")
        return {str(row[0]) for row in cursor.fetchall()}


@pytest.mark.parametrize(
    ("kind", "alter", "strategy"),
    [
        ("mysql", "ADD z INT", Strategy.INSTANT),
        # Of two ALGORITHM clauses the server takes the last.
        ("mysql", "ADD INDEX i (a), ALGORITHM=INPLACE", Strategy.SHADOW),
        ("mysql", "ADD INDEX i (a)", Strategy.SHADOW),
        ("mariadb", "ADD z INT", Strategy.INSTANT),
        ("mariadb", "ORDER BY a", Strategy.SHADOW),
        ("mariadb_11", "ADD z INT", Strategy.INSTANT),
        ("mariadb_11", "ORDER BY a", Strategy.SHADOW),
    ],
)
def test_only_what_is_instant_is_attempted(
    place: Callable[[str], tuple[sandbox.Server, str]], kind: str, alter: str, strategy: Strategy
) -> None:
    server, database = place(kind)
    with connected(server, database) as connection:
        made_anew(connection, mariadb=kind != "mysql")
    plan, _ = asyncio.run(_planned(server, alter, attempt_instant_ddl=True))
    assert plan.strategy is strategy
    plan, _ = asyncio.run(_planned(server, alter, attempt_instant_ddl=True, transforms=(("a", "a + 1"),)))
    assert plan.strategy is Strategy.SHADOW


@pytest.mark.parametrize("kind", ["mysql", "mariadb", pytest.param("mariadb_11", marks=pytest.mark.soak)])
def test_what_may_not_be_seen_is_not_hoped_for(place: Callable[[str], tuple[sandbox.Server, str]], kind: str) -> None:
    """Without PROCESS nobody sees whether a table was written anew."""
    server, database = place(kind)
    more = "REPLICATION CLIENT" if kind == "mysql" else "BINLOG MONITOR, REPLICATION MASTER ADMIN"
    server.execute(
        "DROP USER IF EXISTS few",
        "CREATE USER few",
        f"GRANT ALL ON {database}.* TO few",
        f"GRANT {more}, REPLICATION SLAVE ON *.* TO few",
    )
    with connected(server, database) as connection:
        made_anew(connection, mariadb=kind != "mysql")
    found = {
        alter: asyncio.run(_planned(server, alter, user="few", strategy="auto"))[0].strategy
        for alter in ("ADD z INT", "ADD INDEX i (a)", "FORCE", "ORDER BY a")
    }
    server.execute("DROP USER few")
    # MariaDB has a word for it: NOCOPY.
    index = Strategy.SHADOW if kind == "mysql" else Strategy.STAGED
    assert list(found.values()) == [Strategy.INSTANT, index, Strategy.SHADOW, Strategy.SHADOW]


async def _planned(
    server: sandbox.Server, alter: str, *, user: str | None = None, **more: Any
) -> tuple[Plan, Native | None]:
    where = ConnectSettings(host=server.host, port=server.port, user=user or server.user)
    settings = TargetSettings(database="forms", table="t", alter=alter, **more)
    async with opened(where, purpose="test") as session:
        facts = await server_facts(session)
        target = resolve_target(settings, started=datetime.now())
        planner = Planner(session, facts, target, settings, TopologySettings(), execute=False)
        plan = await planner.plan()
    return plan, planner.found
