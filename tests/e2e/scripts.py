"""A database to which scripts are applied, and scripts as Alembic and Django write them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from migrating import Finished, cursor_of, ghostpy, url_of

from ghostpy import sandbox

_ALEMBIC = '''
import os, sys, io
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.config import Config
from alembic import command
folder = sys.argv[1]
os.makedirs(folder + "/versions", exist_ok=True)
open(folder + "/env.py", "w").write("""
from alembic import context
context.configure(dialect_name=context.config.get_main_option("kind"), literal_binds=True, transactional_ddl=None)
with context.begin_transaction():
    context.run_migrations()
""")
open(folder + "/versions/a1.py", "w").write("""
from alembic import op
import sqlalchemy as sa
revision, down_revision = "a1", None
def upgrade():
    op.create_table("notes", sa.Column("id", sa.Integer, primary_key=True), sa.Column("text", sa.String(80), nullable=False))
    op.bulk_insert(sa.table("notes", sa.column("id", sa.Integer), sa.column("text", sa.String)), [{"id": 1, "text": "it's; one"}])
    op.create_index("notes_text", "notes", ["text"])
def downgrade(): pass
""")
open(folder + "/versions/a2.py", "w").write("""
from alembic import op
import sqlalchemy as sa
revision, down_revision = "a2", "a1"
def upgrade():
    op.add_column("t", sa.Column("extra", sa.String(20), server_default="new"))
    op.create_index("t_n", "t", ["n"])
    op.alter_column("t", "n", existing_type=sa.Integer, type_=sa.BigInteger, existing_nullable=False)
def downgrade(): pass
""")
config = Config()
config.set_main_option("script_location", folder)
config.set_main_option("kind", sys.argv[2])
config.output_buffer = sys.stdout
command.upgrade(config, "head", sql=True)
'''
_DJANGO = '''
import sys, os
folder, engine, name, host, port, user = sys.argv[1:]
os.makedirs(folder + "/shop/migrations", exist_ok=True)
for each in ("/shop/__init__.py", "/shop/migrations/__init__.py"):
    open(folder + each, "w").close()
open(folder + "/shop/migrations/0001_first.py", "w").write("""
from django.db import migrations, models
class Migration(migrations.Migration):
    initial = True
    operations = [
        migrations.CreateModel("Order", [("id", models.BigAutoField(primary_key=True)), ("code", models.CharField(max_length=20, unique=True))]),
        migrations.CreateModel("Line", [
            ("id", models.BigAutoField(primary_key=True)), ("amount", models.IntegerField(db_index=True)),
            ("order", models.ForeignKey("shop.Order", on_delete=models.CASCADE))]),
        migrations.AddField("Order", "note", models.TextField(null=True)),
        migrations.RunSQL("ALTER TABLE t ADD COLUMN extra varchar(20) DEFAULT 'new'"),
        migrations.AddConstraint("Line", models.CheckConstraint(condition=models.Q(amount__gte=0), name="line_amount")),
    ]
""")
sys.path.insert(0, folder)
if "mysql" in engine:
    import pymysql
    pymysql.version_info = (2, 2, 1, "final", 0)
    pymysql.install_as_MySQLdb()
from django.conf import settings
settings.configure(INSTALLED_APPS=["shop"], DATABASES={"default": {"ENGINE": engine, "NAME": name, "HOST": host, "PORT": port, "USER": user}})
import django
django.setup()
from django.core.management import call_command
call_command("sqlmigrate", "shop", "0001", no_color=True)
'''
NewDatabase = Callable[[sandbox.Server], str]


@dataclass(frozen=True)
class Scripted:
    """A database with a table `t` that is not small to a run with --small-rows=1000."""

    server: sandbox.Server
    database: str
    folder: Path

    @property
    def postgres(self) -> bool:
        return self.server.kind == "postgres"

    def ask(self, question: str) -> list[Any]:
        with cursor_of(self.server, self.database) as cursor:
            cursor.execute(question)
            return list(cursor.fetchall())

    def do(self, *statements: str) -> None:
        with cursor_of(self.server, self.database) as cursor:
            for statement in statements:
                cursor.execute(statement)

    def call(self, script: str | Path, *flags: str) -> list[str]:
        """The arguments of a call; `script`: its text, or where it is."""
        path = script
        if isinstance(script, str):
            path = self.folder / "script.sql"
            path.write_text(script)
        return ["apply", str(path), f"--url={url_of(self.server, self.database)}", "--small-rows=1000", *flags]

    def apply(self, script: str | Path, *flags: str) -> Finished:
        return ghostpy(*self.call(script, *flags))

    def relations(self) -> set[str]:
        """Tables, and on PostgreSQL schemas, of whosever."""
        if self.postgres:
            return {
                str(name)
                for (name,) in self.ask(
                    "SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema') "
                    "UNION SELECT nspname FROM pg_namespace WHERE nspname LIKE '\\_%'"
                )
            }
        return {str(name) for (name,) in self.ask("SHOW TABLES")}

    def columns(self, table: str) -> set[str]:
        schema = "current_schema()" if self.postgres else "DATABASE()"
        question = f"SELECT column_name FROM information_schema.columns WHERE table_name = '{table}' AND table_schema = {schema}"
        return {str(name) for (name,) in self.ask(question)}

    def ledger(self) -> list[tuple[int, int]]:
        """Numbers, and whether each is done."""
        name = "_ghostpy_scripts.statements" if self.postgres else "_ghostpy_scripts"
        return [
            (int(number), int(done)) for number, done in self.ask(f"SELECT number, done FROM {name} ORDER BY number")
        ]


def make_scripted(server: sandbox.Server, new_database: NewDatabase, folder: Path, rows: int = 3000) -> Scripted:
    place = Scripted(server, new_database(server), folder)
    place.do("CREATE TABLE t (id INT PRIMARY KEY, n INT NOT NULL DEFAULT 0, c VARCHAR(60))")
    for start in range(0, rows, 1000):
        place.do("INSERT INTO t VALUES " + ", ".join(f"({i}, 0, 'row {i}')" for i in range(start, start + 1000)))
    place.do("CREATE TABLE counted (id INT PRIMARY KEY, n INT NOT NULL)", "INSERT INTO counted VALUES (1, 0)")
    place.do("ANALYZE" if place.postgres else "ANALYZE TABLE t")
    return place


def by_alembic(place: Scripted) -> str:
    """The SQL of two revisions, as `alembic upgrade --sql` prints it."""
    kind = {"postgres": "postgresql"}.get(place.server.kind, "mysql")
    return _printed(_ALEMBIC, str(place.folder / "alembic"), kind)


def by_django(place: Scripted) -> str:
    """The SQL of a migration, as `sqlmigrate` prints it."""
    engine = "django.db.backends.postgresql" if place.postgres else "django.db.backends.mysql"
    server = place.server
    where = (place.database, server.host, str(server.port), server.user)
    return _printed(_DJANGO, str(place.folder / "django"), engine, *where)


def _printed(program: str, *arguments: Sequence[str] | str) -> str:
    call = [sys.executable, "-W", "ignore", "-c", program, *map(str, arguments)]
    done = subprocess.run(call, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout
