"""`GhostpyAlter` in a Django project: migrate, sqlmigrate, and back, on real servers."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import forked
import pymysql
import pytest
from django.core.management import execute_from_command_line
from going_back import Place

from ghostpy import sandbox

NewDatabase = Callable[[sandbox.Server], str]

_ENGINES = {"mysql": "django.db.backends.mysql", "postgres": "django.db.backends.postgresql"}
_WIDER = {"mysql": "MODIFY total bigint NOT NULL", "postgres": "ALTER total TYPE bigint"}
_NARROWER = {"mysql": "MODIFY total int NOT NULL", "postgres": "ALTER total TYPE int"}

_SETTINGS = """
SECRET_KEY = "x"
INSTALLED_APPS = ["shop"]
USE_TZ = True
DATABASES = {{
    "default": {{
        "ENGINE": {engine!r}, "NAME": {database!r}, "HOST": {host!r}, "PORT": {port!r}, "USER": {user!r}, "PASSWORD": {password!r},
        "OPTIONS": {options!r},
    }}
}}
"""
_FIRST = """
from django.db import migrations, models


class Migration(migrations.Migration):
    operations = [
        migrations.CreateModel(
            "Order",
            [("id", models.IntegerField(primary_key=True, serialize=False)), ("total", models.IntegerField())],
            options={"db_table": "shop orders"},
        ),
        migrations.RunSQL({fill!r}, migrations.RunSQL.noop),
    ]
"""
_SECOND = """
from django.db import migrations, models

from ghostpy.integrations.django import GhostpyAlter


class Migration(migrations.Migration):
    atomic = {atomic}
    dependencies = [("shop", "0001_first")]
    operations = [
        GhostpyAlter(
            {named!r},
            {alter!r},
            {reverse!r},
            state_operations=[migrations.AlterField("Order", "total", models.BigIntegerField())],
            {settings}
        ),
    ]
"""


def _manage(arguments: tuple[str, ...]) -> None:
    """What manage.py does."""
    pymysql.install_as_MySQLdb()
    os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
    execute_from_command_line(["manage.py", *arguments])


@dataclass
class Site:
    """A project with an app of two migrations: the first makes a table, the second changes it."""

    place: Place
    folder: Path

    def write(
        self,
        *,
        named: str = "Order",
        atomic: bool = False,
        reverse: bool = True,
        settings: str = "",
        options: dict[str, str] | None = None,
    ) -> Site:
        server, kind = self.place.server, self.place.server.kind
        migrations = self.folder / "shop" / "migrations"
        migrations.mkdir(parents=True, exist_ok=True)
        for package in (migrations.parent, migrations):
            (package / "__init__.py").touch()
        model = 'from django.db import models\n\n\nclass Order(models.Model):\n    id = models.IntegerField(primary_key=True)\n    total = models.BigIntegerField()\n\n    class Meta:\n        db_table = "shop orders"\n'
        (migrations.parent / "models.py").write_text(model)
        own = {
            "engine": _ENGINES[kind],
            "database": self.place.database,
            "host": server.host,
            "port": str(server.port),
            "user": server.user,
            "password": "s3cretpassword" if kind == "postgres" else "",
            "options": options or {},
        }
        (self.folder / "settings.py").write_text(_SETTINGS.format(**own))
        fill = f"INSERT INTO {self.table} (id, total) VALUES (1, 10), (2, 20), (3, 30)"
        (migrations / "0001_first.py").write_text(_FIRST.replace("{fill!r}", repr(fill)))
        second = _SECOND.format(
            named=named,
            atomic=atomic,
            alter=_WIDER[kind],
            reverse=_NARROWER[kind] if reverse else None,
            settings=settings,
        )
        (migrations / "0002_second.py").write_text(second)
        return self

    @property
    def table(self) -> str:
        return "`shop orders`" if self.place.server.kind == "mysql" else '"shop orders"'

    def manage(self, *arguments: str, fails: bool = False) -> str:
        status, told = forked.ended(self.folder, _manage, arguments)
        assert (status != 0) == fails, told
        assert "s3cretpassword" not in told
        return told

    @property
    def type(self) -> str:
        return self.place.type_of("shop orders", "total")


@pytest.fixture(params=["mysql", "postgres"])
def site(request: pytest.FixtureRequest, new_database: NewDatabase, tmp_path: Path) -> Site:
    server: sandbox.Server = request.getfixturevalue(request.param)
    return Site(Place(server, new_database(server)), tmp_path)


def test_forwards_again_and_back(site: Site) -> None:
    site.write(settings="chunk_size=100, ok_to_drop_table=True")
    assert "shop.0002_second... OK" in site.manage("migrate")
    assert site.type == "bigint"
    assert site.place.ask(f"SELECT id, total FROM {site.table} ORDER BY id") == [(1, 10), (2, 20), (3, 30)]
    # Django believes that the table is as the model says.
    assert "No changes detected" in site.manage("makemigrations", "--check", "--dry-run")

    # As when Django died before it had noted the migration down.
    site.place.do("DELETE FROM django_migrations WHERE name = '0002_second'")
    site.manage("migrate")
    site.manage("migrate", "shop", "0001")
    assert site.type in ("int", "integer")
    assert site.place.ask(f"SELECT id, total FROM {site.table} ORDER BY id") == [(1, 10), (2, 20), (3, 30)]


def test_a_table_by_its_own_name(site: Site) -> None:
    site.write(named="shop orders").manage("migrate")
    assert site.type == "bigint"


def test_as_sql_it_is_the_plain_statement(site: Site) -> None:
    site.write().manage("migrate", "shop", "0001")
    kind = site.place.server.kind
    told = site.manage("sqlmigrate", "shop", "0002")
    assert f"ALTER TABLE {site.table} {_WIDER[kind]};" in told
    assert f"ALTER TABLE {site.table} {_NARROWER[kind]};" in site.manage("sqlmigrate", "shop", "0002", "--backwards")
    assert site.type in ("int", "integer")
    assert "it has where" in site.write(settings="where='id > 1',").manage("sqlmigrate", "shop", "0002", fails=True)


def test_a_migration_without_a_way_back(site: Site) -> None:
    site.write(reverse=False).manage("migrate")
    assert "IrreversibleError" in site.manage("migrate", "shop", "0001", fails=True)


def test_the_example_of_the_page(site: Site) -> None:
    page = (Path(__file__).parents[2] / "docs" / "library.md").read_text().partition("## Django")[2]
    found = re.search(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert found
    site.write()
    migrations = site.folder / "shop" / "migrations"
    (migrations / "0002_second.py").write_text(found[1].replace("0001_initial", "0001_first"))
    site.manage("migrate")
    assert site.place.ask(f"SELECT note FROM {site.table}") == [(None,)] * 3


def test_within_a_transaction_it_is_refused(
    postgres: sandbox.PostgresServer, new_database: NewDatabase, tmp_path: Path
) -> None:
    """Of the two only PostgreSQL has migrations in one."""
    site = Site(Place(postgres, new_database(postgres)), tmp_path).write(atomic=True)
    told = site.manage("migrate", fails=True)
    assert "Put `atomic = False` into the migration" in told or "nothing was changed by ghostpy" in told
    assert site.type == "integer"


def test_the_role_that_django_assumes_owns_the_table(
    postgres: sandbox.PostgresServer, new_database: NewDatabase, tmp_path: Path
) -> None:
    site = Site(Place(postgres, new_database(postgres)), tmp_path)
    role = f"owner_{site.place.database}"
    site.place.do(f"CREATE ROLE {role} SUPERUSER")
    try:
        site.write(options={"assume_role": role, "application_name": "app"}).manage("migrate")
        owners = site.place.ask("SELECT tableowner FROM pg_tables WHERE tablename = 'shop orders'")
        assert set(owners) == {(role,)}
    finally:
        site.place.do(f"REASSIGN OWNED BY {role} TO postgres", f"DROP OWNED BY {role}", f"DROP ROLE {role}")
