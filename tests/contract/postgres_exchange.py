"""An exchange by hand, and a picture of a database's catalogs, to see what an exchange did to what points at a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any

import psycopg

from ghostpy import errors, sandbox
from ghostpy.dialects.postgres import quote
from ghostpy.dialects.postgres.dependants.dependants import Dependants, dependants_of, fingerprint_of
from ghostpy.dialects.postgres.session import opened
from ghostpy.model.finding import Finding, Severity
from ghostpy.model.names import TableName
from ghostpy.settings import ConnectSettings

OLD = "_old"
_SHADOW = "_shadow"


class Database:
    """One database of a server, by its superuser."""

    def __init__(self, server: sandbox.PostgresServer, name: str) -> None:
        self.name = name
        self.url = server.url.removesuffix("/postgres") + f"/{name}"

    def settings(self, user: str = "postgres") -> ConnectSettings:
        return ConnectSettings(dialect="postgres", dsn=self.url.replace("postgres@", f"{user}@"))

    def run(self, *statements: str, role: str | None = None) -> list[tuple[Any, ...]]:
        """Run statements, each in its own transaction; the rows of the last one."""
        rows: list[tuple[Any, ...]] = []
        with closing(psycopg.connect(self.url, autocommit=True)) as connection:
            if role:
                connection.execute(f"SET ROLE {role}".encode())
            for statement in statements:
                cursor = connection.execute(statement.encode())
                rows = cursor.fetchall() if cursor.description else []
        return rows

    def emptied(self) -> Database:
        """Drop everything in it; databases take much longer to make."""
        schemas = [row[0] for row in self.run(f"{_WITH} SELECT DISTINCT quote_ident(nspname) FROM ns")]
        publications = [row[0] for row in self.run("SELECT quote_ident(pubname) FROM pg_publication")]
        self.run(
            *(f"DROP PUBLICATION {publication}" for publication in publications),
            f"DROP SCHEMA IF EXISTS {', '.join([*schemas, OLD, _SHADOW])} CASCADE",
            "CREATE SCHEMA public; GRANT USAGE ON SCHEMA public TO PUBLIC",
            "SET allow_system_table_mods = on; DELETE FROM pg_default_acl",
        )
        return self

    def picture(self) -> dict[str, list[tuple[Any, ...]]]:
        """What the catalogs say of everything that is not a helper's."""
        with closing(psycopg.connect(self.url, autocommit=True)) as connection:
            connection.execute("SET search_path = ''")
            return {name: connection.execute(_WITH + question).fetchall() for name, question in _PICTURE.items()}


async def planned(
    database: Database,
    source: TableName,
    alter: str,
    *,
    refresh_materialized: bool = False,
    allow_all_tables: bool = False,
    user: str = "postgres",
) -> Dependants:
    """What a plan finds; everything it made is undone."""
    async with opened(database.settings(user), purpose="test") as session, session.transaction(keep=False):
        for statement in _clone(source, "_probe", alter):
            await session.execute(statement, doing="making a clone")
        return await dependants_of(
            session,
            source,
            TableName("_probe", source.table),
            refresh_materialized=refresh_materialized,
            allow_all_tables=allow_all_tables,
        )


async def exchanged(
    database: Database,
    source: TableName,
    alter: str,
    *,
    columns: str = "*",
    refresh_materialized: bool = False,
    allow_all_tables: bool = False,
    before_lock: Callable[[], object] | None = None,
    user: str = "postgres",
) -> Dependants:
    """Change a table by way of a shadow, carrying what points at it.

    `alter` may be several, separated by semicolons. `columns` are copied, as the source names them.
    """
    dependants = await planned(
        database,
        source,
        alter,
        refresh_materialized=refresh_materialized,
        allow_all_tables=allow_all_tables,
        user=user,
    )
    if refusals(dependants):
        raise errors.PlanRefused("; ".join(f"{each.code}: {each.text}" for each in refusals(dependants)))
    spelled, shadow = quote.table(source), quote.table(TableName(_SHADOW, source.table))
    async with opened(database.settings(user), purpose="test") as session:
        for statement in [
            f"DROP SCHEMA IF EXISTS {_SHADOW} CASCADE",
            *_clone(source, _SHADOW, alter),
            f"DROP SCHEMA IF EXISTS {OLD} CASCADE",
            f"CREATE SCHEMA {OLD}",
            # The table's own owner and privileges are none of this.
            f"GRANT ALL ON SCHEMA {_SHADOW}, {OLD} TO PUBLIC",
            f"DO $$ BEGIN EXECUTE (SELECT format('ALTER TABLE {shadow} OWNER TO %I', tableowner) FROM pg_tables"
            f" WHERE (schemaname, tablename) = ({quote.text(source.schema)}, {quote.text(source.table)})); END $$",
            f'REVOKE ALL ON {shadow} FROM PUBLIC, "dep Other"',
            f"INSERT INTO {shadow} OVERRIDING SYSTEM VALUE SELECT {columns} FROM {spelled}",
        ]:
            await session.execute(statement, doing="making the shadow")
        if before_lock:
            before_lock()
        async with session.transaction():
            for statement in [*dependants.locks, f"LOCK TABLE {spelled} IN ACCESS EXCLUSIVE MODE"]:
                await session.execute(statement, doing="locking")
            if await fingerprint_of(session, source) != dependants.fingerprint:
                raise errors.SourceChanged("what points at the table changed")
            for statement in [
                *dependants.before_move,
                f"ALTER TABLE {spelled} SET SCHEMA {OLD}",
                f"ALTER TABLE {shadow} SET SCHEMA {quote.name(source.schema)}",
                *dependants.after_move,
            ]:
                await session.execute(statement, doing=f"exchanging ({statement})")
        for statement in dependants.later:
            await session.execute(statement, doing=statement)
    return dependants


def drop_old(database: Database, source: TableName) -> None:
    """Succeeds only where nothing points at the old table any more."""
    database.run(
        f"DROP TABLE {quote.table(TableName(OLD, source.table))}", f"DROP SCHEMA {OLD}", f"DROP SCHEMA {_SHADOW}"
    )


def refusals(dependants: Dependants) -> list[Finding]:
    return [each for each in dependants.findings if each.severity is Severity.REFUSE]


def _clone(source: TableName, schema: str, alter: str) -> Sequence[str]:
    clone = quote.table(TableName(schema, source.table))
    like = f"CREATE TABLE {clone} (LIKE {quote.table(source)} INCLUDING ALL)"
    return [f"CREATE SCHEMA {schema}", like, *(f"ALTER TABLE {clone} {each}" for each in alter.split(";"))]


_WITH = """
WITH ns AS (SELECT oid, nspname FROM pg_namespace
            WHERE nspname NOT LIKE 'pg\\_%' AND nspname NOT IN ('information_schema', '_old', '_shadow')),
rel AS (SELECT c.*, format('%I.%I', nspname, relname) AS spelled FROM pg_class c JOIN ns ON ns.oid = c.relnamespace),
acl AS (SELECT spelled, relkind, 0 AS attnum, coalesce(relacl, acldefault('r', relowner)) AS list FROM rel WHERE relkind NOT IN ('i', 'S')
        UNION ALL SELECT spelled, relkind, attnum, attacl FROM rel JOIN pg_attribute ON attrelid = rel.oid)
"""

_PICTURE = {
    "relations": """SELECT spelled, relkind, pg_get_userbyid(relowner), reloptions, relispopulated, relpersistence,
        relrowsecurity, relforcerowsecurity FROM rel ORDER BY spelled""",
    "columns": """SELECT spelled, attname, format_type(atttypid, atttypmod), attcollation, attnotnull, pg_get_expr(adbin, adrelid),
        coalesce(attstattarget, -1), ARRAY(SELECT o FROM unnest(attoptions) o WHERE o NOT LIKE 'pg\\_%'), attstorage, attcompression
        FROM rel JOIN pg_attribute ON attrelid = rel.oid AND attnum > 0 AND NOT attisdropped
        LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum ORDER BY spelled, attnum""",
    "grants": """SELECT spelled, attnum, pg_get_userbyid(grantor), CASE grantee WHEN 0 THEN NULL ELSE pg_get_userbyid(grantee) END,
        privilege_type, is_grantable FROM acl CROSS JOIN aclexplode(list) ORDER BY spelled, attnum, 3, 4, 5, 6""",
    "views": "SELECT spelled, pg_get_viewdef(oid) FROM rel WHERE relkind IN ('v', 'm') ORDER BY spelled",
    "rules": """SELECT spelled, rulename, pg_get_ruledef(r.oid), ev_enabled FROM rel JOIN pg_rewrite r ON ev_class = rel.oid
        WHERE rulename <> '_RETURN' ORDER BY spelled, rulename""",
    "triggers": """SELECT spelled, pg_get_triggerdef(t.oid), tgenabled FROM rel JOIN pg_trigger t ON tgrelid = rel.oid
        WHERE NOT tgisinternal ORDER BY 1, 2""",
    "constraints": """SELECT spelled, conname, pg_get_constraintdef(k.oid), convalidated
        FROM rel JOIN pg_constraint k ON conrelid = rel.oid ORDER BY 1, 2""",
    "indexes": """SELECT spelled, pg_get_indexdef(indexrelid), indisclustered, indisvalid
        FROM rel JOIN pg_index ON indrelid = rel.oid ORDER BY 1, 2""",
    "policies": """SELECT spelled, polname, polcmd, polpermissive, polroles, pg_get_expr(polqual, polrelid),
        pg_get_expr(polwithcheck, polrelid) FROM rel JOIN pg_policy ON polrelid = rel.oid ORDER BY 1, 2""",
    "publications": "SELECT * FROM pg_publication_tables ORDER BY 1, 2, 3",
    "statistics": """SELECT spelled, pg_get_statisticsobjdef(s.oid), pg_get_userbyid(stxowner), coalesce(stxstattarget, -1)
        FROM rel JOIN pg_statistic_ext s ON stxrelid = rel.oid ORDER BY 1, 2""",
    "comments": """SELECT pg_describe_object(classoid, objoid, objsubid) AS what, description FROM pg_description
        WHERE objoid >= 16384 ORDER BY 1""",
}
