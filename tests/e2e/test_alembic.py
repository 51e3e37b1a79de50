"""`op.ghostpy_alter` in Alembic's own environment, upgraded, written as SQL and downgraded, on real servers."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import alembic.config
import forked
import pytest
from going_back import Place
from sqlalchemy import make_url

import ghostpy
from ghostpy import errors, sandbox
from ghostpy.integrations.alembic import _where

NewDatabase = Callable[[sandbox.Server], str]

_DRIVERS = {"mysql": "mysql+pymysql", "postgres": "postgresql+psycopg"}
_TYPE = {"mysql": "MODIFY v BIGINT NOT NULL", "postgres": "ALTER v TYPE bigint"}
_BACK = {"mysql": "MODIFY v INT NOT NULL", "postgres": "ALTER v TYPE int"}

_ENV = """
from alembic import context
from sqlalchemy import create_engine, text

import ghostpy.integrations.alembic

url = {url!r}
if context.is_offline_mode():
    context.configure(url=url, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
else:
    with create_engine(url).connect() as connection:
        {before}
        context.configure(connection=connection)
        with context.begin_transaction():
            context.run_migrations()
"""
_ASYNC_ENV = """
import asyncio

from alembic import context
from sqlalchemy.ext.asyncio import create_async_engine

import ghostpy.integrations.alembic


def migrated(connection):
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()


async def run():
    engine = create_async_engine({url!r})
    async with engine.connect() as connection:
        await connection.run_sync(migrated)
    await engine.dispose()


asyncio.run(run())
"""
_FIRST = """
from alembic import op
import sqlalchemy as sa

revision, down_revision = "one", None


def upgrade():
    op.create_table("t", sa.Column("id", sa.Integer, primary_key=True, autoincrement=False), sa.Column("v", sa.Integer, nullable=False))
    op.execute("INSERT INTO t (id, v) VALUES (1, 10), (2, 20), (3, 30)")


def downgrade():
    op.drop_table("t")
"""
_SECOND = """
from alembic import op

revision, down_revision = "two", "one"


def upgrade():
    op.execute("UPDATE t SET v = v + 1")
    result = op.ghostpy_alter("t", {alter!r}, {settings})
    if result is not None:
        print("strategy:", result.strategy.value)
    op.execute("UPDATE t SET v = v + 1 WHERE id = 1")


def downgrade():
    op.ghostpy_alter("t", {back!r})
"""


@dataclass
class Site:
    """An Alembic environment with two migrations: the first makes the table `t`, the second changes it."""

    place: Place
    folder: Path

    @property
    def url(self) -> str:
        server = self.place.server
        password = ":s3cretpassword" if server.kind == "postgres" else ""
        return f"{_DRIVERS[server.kind]}://{server.user}{password}@{server.host}:{server.port}/{self.place.database}"

    def write(
        self, *, before: str = "pass", env: str = _ENV, alter: str = "", settings: str = "", url: str = ""
    ) -> Site:
        kind = self.place.server.kind
        (self.folder / "versions").mkdir(exist_ok=True)
        (self.folder / "alembic.ini").write_text(f"[alembic]\nscript_location = {self.folder}\npath_separator = os\n")
        (self.folder / "env.py").write_text(env.format(url=url or self.url, before=before))
        (self.folder / "versions" / "one.py").write_text(_FIRST)
        second = _SECOND.format(alter=alter or _TYPE[kind], back=_BACK[kind], settings=settings)
        (self.folder / "versions" / "two.py").write_text(second)
        return self

    def alembic(self, *arguments: str, fails: bool = False) -> str:
        """All that it says."""
        status, told = forked.ended(
            self.folder, alembic.config.main, ["-c", str(self.folder / "alembic.ini"), *arguments]
        )
        assert (status != 0) == fails, told
        assert "s3cretpassword" not in told
        return told

    @property
    def type(self) -> str:
        return self.place.type_of("t", "v")

    @property
    def version(self) -> list[tuple[str]]:
        return self.place.ask("SELECT version_num FROM alembic_version")


@pytest.fixture(params=["mysql", "postgres"])
def site(request: pytest.FixtureRequest, new_database: NewDatabase, tmp_path: Path) -> Site:
    server: sandbox.Server = request.getfixturevalue(request.param)
    return Site(Place(server, new_database(server)), tmp_path)


def test_up_again_and_down(site: Site) -> None:
    site.write()
    assert "strategy: shadow" in site.alembic("upgrade", "head")
    # What stands before it in the migration holds no lock that it would wait for, and is not lost.
    assert site.place.ask("SELECT id, v FROM t ORDER BY id") == [(1, 12), (2, 21), (3, 31)]
    assert site.type == "bigint"
    assert site.version == [("two",)]

    # As when Alembic died before it had noted the migration down.
    site.place.do("UPDATE alembic_version SET version_num = 'one'")
    assert "strategy: nothing to do" in site.alembic("upgrade", "head")
    assert site.version == [("two",)]

    old = '"_public_t_del".t' if site.place.server.kind == "postgres" else "_t_del"
    site.place.do(f"DROP TABLE {old}", *(['DROP SCHEMA "_public_t_del"'] if "." in old else []))
    site.alembic("downgrade", "one")
    assert site.type in ("int", "integer")
    assert site.version == [("one",)]


def test_as_sql_it_is_the_plain_statement(site: Site) -> None:
    told = site.write().alembic("upgrade", "one:two", "--sql")
    quoted = "t"
    assert re.search(
        rf"^-- by ghostpy.*: {quoted}\nALTER TABLE {quoted} {re.escape(_TYPE[site.place.server.kind])};$",
        told,
        re.MULTILINE,
    )
    # It is a script that does the same.
    site.alembic("upgrade", "one")
    site.place.do(*(each for each in _statements(told) if each not in ("BEGIN", "COMMIT")))
    assert site.type == "bigint"
    assert site.version == [("two",)]


def _statements(told: str) -> list[str]:
    lines = [line for line in told.splitlines() if line and not line.startswith(("--", "INFO", "Generating"))]
    return [each.strip() for each in "\n".join(lines).split(";") if each.strip()]


def test_what_an_alter_would_not_do_is_not_written_as_one(site: Site) -> None:
    told = site.write(settings="where='id > 1'").alembic("upgrade", "one:two", "--sql", fails=True)
    assert "cannot be written as an ALTER TABLE: it has where" in told


def test_a_transaction_that_is_not_alembics_is_refused(site: Site) -> None:
    site.write().alembic("upgrade", "one")
    told = site.write(before='connection.execute(text("SELECT 1"))').alembic("upgrade", "head", fails=True)
    assert "not Alembic's own" in told
    assert "nothing was changed by ghostpy" in told
    assert site.type in ("int", "integer")


def test_settings_are_those_of_the_flags(site: Site) -> None:
    site.write().alembic("upgrade", "one")
    told = site.write(settings="chunk_sice=100").alembic("upgrade", "head", fails=True)
    assert "There is no setting 'chunk_sice'. Did you mean chunk_size?" in told
    site.write(settings="chunk_size=100, ok_to_drop_table=True").alembic("upgrade", "head")
    assert site.type == "bigint"
    tables = site.place.ask(
        "SELECT table_name FROM information_schema.tables WHERE table_name LIKE '%t_del' OR table_schema LIKE '%t_del'"
    )
    assert [name for (name,) in tables if site.place.server.kind == "postgres"] == []


def test_less_tls_than_was_asked_for_is_never_used(site: Site) -> None:
    if site.place.server.kind == "postgres":
        url, phrase = f"{site.url}?sslmode=require", "SSL"
    else:
        url, phrase = f"{site.url}?ssl_check_hostname=true", "no counterpart"
    with pytest.raises(errors.GhostpyError, match=phrase):
        ghostpy.plan(table="t", alter="ADD x int", **_where(make_url(url)))


def test_the_example_of_the_page(site: Site) -> None:
    page = (Path(__file__).parents[2] / "docs" / "library.md").read_text().partition("## Alembic")[2]
    found = re.search(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert found
    site.write()
    (site.folder / "versions" / "two.py").write_text(found[1].replace('"orders"', '"t"'))
    site.alembic("upgrade", "head")
    assert site.place.ask("SELECT id, note FROM t ORDER BY id") == [(1, None), (2, None), (3, None)]


def test_an_environment_of_asyncio(postgres: sandbox.PostgresServer, new_database: NewDatabase, tmp_path: Path) -> None:
    site = Site(Place(postgres, new_database(postgres)), tmp_path)
    site.write(env=_ASYNC_ENV)
    site.alembic("upgrade", "head")
    assert site.place.ask("SELECT id, v FROM t ORDER BY id") == [(1, 12), (2, 21), (3, 31)]
    assert site.type == "bigint"
    assert site.version == [("two",)]
