"""What points at a table from outside comes through an exchange as it comes through the server's own ALTER."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from postgres_exchange import Database, drop_old, exchanged, planned, refusals

from ghostpy import errors, sandbox
from ghostpy.dialects.postgres.dependants.dependants import fingerprint_of
from ghostpy.dialects.postgres.session import opened
from ghostpy.model.finding import Severity
from ghostpy.model.names import TableName

PostgresWith = Callable[[int, sandbox.Options], sandbox.PostgresServer]

T = TableName("public", "t")
QUOTED = TableName("My Schema", 'The "Table"')
ADD = "ADD COLUMN extra int"


@pytest.fixture(scope="module", params=[18, 15])
def server(request: pytest.FixtureRequest, postgres_with: PostgresWith) -> sandbox.PostgresServer:
    server = postgres_with(request.param, {})
    if not server.execute("SELECT FROM pg_roles WHERE rolname = 'dep_owner'"):
        server.execute(
            "CREATE ROLE dep_owner SUPERUSER",
            "CREATE ROLE dep_reader",
            'CREATE ROLE "dep Other"',
            "CREATE ROLE dep_poor LOGIN",
            "CREATE ROLE dep_group ROLE dep_poor",
            "CREATE DATABASE dependants",
            "CREATE DATABASE dependants_twin",
        )
    return server


@pytest.fixture
def database(server: sandbox.PostgresServer) -> Database:
    """An empty database."""
    return Database(server, "dependants").emptied()


@pytest.fixture
def twin(server: sandbox.PostgresServer) -> Database:
    """Another one, for the server's own ALTER."""
    return Database(server, "dependants_twin").emptied()


def as_natively(
    database: Database, twin: Database, alter: str, *setup: str, source: TableName = T, **more: Any
) -> None:
    """The exchange leaves what the server's own ALTER leaves, and nothing points at the old table."""
    for each in (database, twin):
        each.run(*setup)
    for each in alter.split(";"):
        twin.run(f'ALTER TABLE "{source.schema}"."{source.table.replace(chr(34), chr(34) * 2)}" {each}')
    asyncio.run(exchanged(database, source, alter, **more))
    here, there = database.picture(), twin.picture()
    for name in there:
        assert here[name] == there[name], name
    drop_old(database, source)
    assert database.picture() == there


def refused(database: Database, alter: str = ADD, *, source: TableName = T, **more: Any) -> dict[str, str]:
    """The refusals of a plan: their texts by their codes."""
    before = database.picture()
    found = {each.code: each.text for each in refusals(asyncio.run(planned(database, source, alter, **more)))}
    assert database.picture() == before
    return found


TABLE = (
    "CREATE TABLE t (id int PRIMARY KEY, name text, other int UNIQUE, touched timestamptz DEFAULT now())",
    "INSERT INTO t SELECT n, 'name ' || n, n * 10, '2020-01-01' FROM generate_series(1, 5) n",
)
STACK = (
    "CREATE SCHEMA api",
    'CREATE SCHEMA "Upper"',
    "GRANT USAGE ON SCHEMA api TO dep_reader",
    "CREATE VIEW api.t WITH (security_barrier = true) AS SELECT id, upper(name) AS shout, 'public.t' AS said FROM t WHERE other > 5",
    'CREATE VIEW "Upper"."t" AS SELECT a.id, b.name FROM api.t a JOIN t b USING (id)',
    'CREATE VIEW top AS SELECT l.id, r.name, l.shout FROM api.t l LEFT JOIN "Upper".t r ON r.id = l.id',
    "CREATE VIEW with_cte AS WITH t AS (SELECT id FROM public.t WHERE id > 1) SELECT t.id, count(*) FROM t GROUP BY t.id",
    "CREATE VIEW grouped AS SELECT id, name, max(other) OVER () AS top FROM t GROUP BY id",
    "CREATE VIEW whole AS SELECT t, t.id FROM t",
    "CREATE VIEW updatable AS SELECT id, name, other FROM t WHERE id < 100 WITH LOCAL CHECK OPTION",
    "CREATE VIEW lone AS SELECT 1 AS one",
    "ALTER VIEW updatable ALTER COLUMN name SET DEFAULT 'nobody'",
    "ALTER VIEW top RENAME COLUMN shout TO loud",
    "COMMENT ON VIEW top IS 'the top; it''s \"high\"'",
    "COMMENT ON COLUMN top.loud IS 'loud'",
    "COMMENT ON VIEW lone IS 'alone'",
)
GRANTS = (
    "GRANT CREATE ON SCHEMA public, api TO dep_owner",
    "ALTER VIEW api.t OWNER TO dep_owner",
    "ALTER VIEW top OWNER TO dep_owner",
    "GRANT SELECT ON api.t TO dep_reader WITH GRANT OPTION",
    'SET ROLE dep_reader; GRANT SELECT ON api.t TO "dep Other"; RESET ROLE',
    "GRANT UPDATE (id), SELECT (id, name) ON top TO dep_reader WITH GRANT OPTION",
    "GRANT ALL ON top TO PUBLIC",
    "REVOKE DELETE ON top FROM PUBLIC",
    "REVOKE INSERT ON top FROM dep_owner",
    "GRANT SELECT ON updatable TO dep_reader",
    "REVOKE ALL ON with_cte FROM postgres",
)
LOGIC = (
    "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
    "CREATE TRIGGER instead INSTEAD OF INSERT ON top FOR EACH ROW EXECUTE FUNCTION refuse()",
    "COMMENT ON TRIGGER instead ON top IS 'a trigger'",
    "CREATE RULE del AS ON DELETE TO top DO INSTEAD DELETE FROM t WHERE id = old.id",
    "COMMENT ON RULE del ON top IS 'a rule'",
    "CREATE RULE up AS ON UPDATE TO api.t DO INSTEAD (UPDATE t SET name = new.shout WHERE id = old.id; UPDATE whole SET id = 1 WHERE id = 0)",
)


@pytest.mark.parametrize("alter", [ADD, "DROP COLUMN touched, ADD COLUMN touched bigint DEFAULT 7"])
def test_stacked_views_of_several_schemas(database: Database, twin: Database, alter: str) -> None:
    columns = "id, name, other, touched, NULL::int" if alter == ADD else "id, name, other, 7"
    as_natively(database, twin, alter, *TABLE, *STACK, *GRANTS, *LOGIC, columns=columns)
    database.run("INSERT INTO t (id, name, other) VALUES (6, 'new', 60)")
    assert database.run("SELECT * FROM top WHERE id = 6") == [(6, "new", "NEW")]
    assert database.run("SELECT count(*) FROM api.t", role="dep_reader") == [(6,)]
    database.run("DELETE FROM top WHERE id = 6")
    assert database.run("SELECT count(*) FROM t") == [(5,)]


@pytest.mark.parametrize(
    "alter",
    ["RENAME COLUMN name TO title", 'RENAME COLUMN id TO "The Id"', "RENAME COLUMN name TO t; ADD COLUMN name int"],
)
def test_views_follow_a_rename(database: Database, twin: Database, alter: str) -> None:
    columns = "*, NULL::int" if "ADD" in alter else "*"
    as_natively(database, twin, alter, *TABLE, *STACK, *GRANTS, *LOGIC, columns=columns)
    assert database.run("SELECT * FROM top WHERE id = 5") == [(5, "name 5", "NAME 5")]
    database.run("UPDATE api.t SET shout = 'x' WHERE id = 5")
    assert database.run("SELECT shout FROM api.t WHERE id = 5") == [("X",)]


UNUSUAL = (
    "CREATE SCHEMA odd",
    "CREATE TYPE odd.mood AS ENUM ('sad', 'ok')",
    "CREATE FUNCTION odd.same(int, int) RETURNS bool IMMUTABLE LANGUAGE sql AS 'SELECT $1 = $2'",
    "CREATE OPERATOR odd.=== (LEFTARG = int, RIGHTARG = int, FUNCTION = odd.same)",
    "CREATE FUNCTION public.lower(int) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT $1::text'",
    "CREATE TABLE u (id int, extra int, name text)",
    "CREATE TABLE w (extra int, w text)",
    "INSERT INTO u SELECT n, n, 'u' FROM generate_series(1, 3) n",
    "INSERT INTO w SELECT n, 'w' FROM generate_series(1, 3) n",
    'CREATE VIEW operators AS SELECT id FROM t WHERE id OPERATOR(odd.===) 3 AND lower(name) <> lower(id) COLLATE "C"',
    "CREATE VIEW ambiguous AS SELECT id, extra, w, t.name FROM (t JOIN u USING (id)) JOIN w USING (extra)",
    "CREATE VIEW using_alias AS SELECT j.id, t.name FROM t JOIN u USING (id) AS j",
    "CREATE VIEW full_join AS SELECT id, count(*) FROM t FULL JOIN u USING (id, name) GROUP BY 1",
    "CREATE RECURSIVE VIEW walk (n, label) AS SELECT id, name FROM t WHERE id = 1 UNION ALL"
    " SELECT t.id, walk.label || t.name FROM walk JOIN t ON t.id = walk.n + 1",
    "CREATE VIEW lateral_one AS SELECT a.id, b.* FROM t a, LATERAL (SELECT name, row_number() OVER w AS n FROM t WHERE id <= a.id"
    " WINDOW w AS (PARTITION BY other ORDER BY name DESC NULLS LAST)) b",
    "CREATE VIEW set_ops AS (SELECT id FROM t EXCEPT SELECT other FROM t) UNION ALL SELECT length('ok'::odd.mood::text)"
    " WHERE false ORDER BY 1 LIMIT 3",
    "CREATE VIEW rows_from AS SELECT r.* FROM t, ROWS FROM (generate_series(1, t.id), unnest(ARRAY[t.name])) WITH ORDINALITY r(a, b, o)",
    "CREATE VIEW sampled AS SELECT id FROM ONLY t TABLESAMPLE bernoulli (100) REPEATABLE (1)",
    "CREATE VIEW casts AS SELECT t::text AS a, (t).name AS b, ROW(t.*)::text AS c, ARRAY(SELECT x FROM t x) AS d, 't'::regclass AS e FROM t",
    "CREATE VIEW of_casts AS SELECT (b).name, e FROM (SELECT d[1] AS b, e FROM casts) s",
    "CREATE VIEW sets AS SELECT GROUPING(name) AS g, percentile_cont(0.5) WITHIN GROUP (ORDER BY id) FILTER (WHERE other > 1) AS p"
    " FROM t GROUP BY ROLLUP (name)",
    "CREATE VIEW no_columns AS SELECT FROM t",
    "CREATE VIEW written AS WITH one AS MATERIALIZED (SELECT * FROM t) SELECT one.*, EXISTS (SELECT FROM t t_1 WHERE t_1.id = one.id) FROM one",
)


@pytest.mark.parametrize(
    "alter", [ADD, "RENAME COLUMN name TO title; RENAME COLUMN id TO name; ADD COLUMN extra int; ADD COLUMN w int"]
)
def test_unusual_queries(database: Database, twin: Database, alter: str) -> None:
    as_natively(database, twin, alter, *TABLE, *UNUSUAL, columns="*" + ", NULL::int" * alter.count("ADD"))
    for view in (
        "operators",
        "ambiguous",
        "using_alias",
        "full_join",
        "walk",
        "lateral_one",
        "rows_from",
        "casts",
        "of_casts",
        "sets",
    ):
        rows = f"SELECT {view}::text FROM {view} ORDER BY 1"
        assert database.run(rows) == twin.run(rows)
        assert database.run(rows), view


def test_two_columns_exchange_their_names(database: Database, twin: Database) -> None:
    swap = "RENAME COLUMN id TO x; RENAME COLUMN other TO id; RENAME COLUMN x TO other"
    as_natively(database, twin, swap, *TABLE, "CREATE VIEW v AS SELECT id, name, other, other - id AS gap FROM t")
    assert database.run("SELECT id, other, gap FROM v WHERE id = 2") == [(2, 20, 18)]


def test_foreign_keys_act_on_the_new_table(database: Database, twin: Database) -> None:
    as_natively(
        database,
        twin,
        "ADD COLUMN extra int; RENAME COLUMN other TO another",
        "CREATE SCHEMA far",
        "CREATE TABLE t (id int PRIMARY KEY, name text, other int, UNIQUE (other, name))",
        "INSERT INTO t SELECT n, 'name ' || n, n * 10 FROM generate_series(1, 5) n",
        'CREATE TABLE child (t_id int CONSTRAINT "The Key" REFERENCES t ON DELETE CASCADE ON UPDATE RESTRICT)',
        'CREATE TABLE far."Child" (a int, b text, FOREIGN KEY (a, b) REFERENCES t (other, name) MATCH FULL'
        " ON DELETE SET NULL (a, b) DEFERRABLE INITIALLY DEFERRED)",
        "CREATE TABLE twice (x int REFERENCES t, y int REFERENCES t ON DELETE SET DEFAULT DEFERRABLE)",
        "CREATE TABLE late (x int)",
        "INSERT INTO late VALUES (77)",
        "ALTER TABLE late ADD CONSTRAINT late_key FOREIGN KEY (x) REFERENCES t NOT VALID",
        "CREATE TABLE parted (x int) PARTITION BY RANGE (x)",
        "CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (100)",
        "ALTER TABLE parted_1 ADD CONSTRAINT own_key FOREIGN KEY (x) REFERENCES t",
        "INSERT INTO child SELECT id FROM t",
        'INSERT INTO far."Child" SELECT other, name FROM t',
        "INSERT INTO twice SELECT id, id FROM t",
        "COMMENT ON CONSTRAINT \"The Key\" ON child IS 'a key'",
        columns="*, NULL::int",
    )
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        database.run("INSERT INTO child VALUES (99)")
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        database.run("UPDATE late SET x = 78")
    database.run("DELETE FROM twice", "INSERT INTO t VALUES (9, 'nine', 90)", "INSERT INTO child VALUES (9)")
    database.run("DELETE FROM t WHERE id = 9")
    assert database.run("SELECT count(*) FROM child WHERE t_id = 9") == [(0,)]


def test_foreign_keys_of_partitioned_tables(database: Database, twin: Database, server: sandbox.PostgresServer) -> None:
    setup = (
        *TABLE,
        "CREATE TABLE parted (x int REFERENCES t) PARTITION BY RANGE (x)",
        "CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (100)",
        "INSERT INTO parted SELECT id FROM t",
    )
    if server.version.startswith("15"):
        database.run(*setup)
        assert "the partitioned table public.parted" in refused(database)["foreign-key-partitioned"]
        return
    as_natively(database, twin, ADD, *setup, columns="*, NULL::int")
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        database.run("INSERT INTO parted VALUES (50)")


def test_a_foreign_key_needs_its_unique_key(database: Database) -> None:
    database.run(*TABLE, "CREATE TABLE child (x int REFERENCES t (other), y int REFERENCES t)")
    assert (
        "foreign key child_x_fkey of public.child"
        in refused(database, "DROP CONSTRAINT t_other_key")["dependant-refused"]
    )
    assert "no unique constraint" in refused(database, "DROP CONSTRAINT t_other_key")["dependant-refused"]


def test_a_foreign_key_to_a_mere_unique_index(database: Database, twin: Database) -> None:
    as_natively(
        database,
        twin,
        "ADD COLUMN extra int; RENAME COLUMN b TO c",
        'CREATE TABLE t (a int, b text COLLATE "C", PRIMARY KEY (a) INCLUDE (b))',
        'CREATE UNIQUE INDEX ON t (b COLLATE "C" DESC NULLS LAST, a)',
        "CREATE INDEX ON t ((t.a + 1)) WHERE a > 0",
        "CREATE TABLE child (b text, a int, FOREIGN KEY (a, b) REFERENCES t (a, b))",
        columns="*, NULL::int",
    )


def test_a_foreign_key_with_switched_off_triggers_is_refused(database: Database) -> None:
    database.run(*TABLE, "CREATE TABLE child (x int REFERENCES t)", "ALTER TABLE child DISABLE TRIGGER ALL")
    assert "child_x_fkey" in refused(database)["foreign-key-switched"]


@pytest.mark.parametrize(
    "alter", [ADD, "RENAME COLUMN name TO title; RENAME COLUMN other TO name; ADD COLUMN extra int"]
)
def test_policies_and_rules_of_other_tables(database: Database, twin: Database, alter: str) -> None:
    as_natively(
        database,
        twin,
        alter,
        *TABLE,
        "CREATE SCHEMA far",
        "CREATE TABLE far.t (id int, name text)",
        "INSERT INTO far.t VALUES (1, 'name 1'), (2, 'nobody')",
        "ALTER TABLE far.t ENABLE ROW LEVEL SECURITY",
        "CREATE VIEW seen AS SELECT id, name AS visible FROM t",
        "GRANT SELECT ON seen TO dep_reader",
        "CREATE FUNCTION knows(text) RETURNS bool SECURITY DEFINER STABLE LANGUAGE sql"
        " AS 'SELECT EXISTS (SELECT FROM seen WHERE visible = $1)'",
        'CREATE POLICY "The Policy" ON far.t AS RESTRICTIVE FOR SELECT TO dep_reader, "dep Other"'
        " USING (EXISTS (SELECT FROM public.t x WHERE x.id = t.id AND x.name = t.name AND x.other > 0))",
        "CREATE POLICY by_view ON far.t USING (id IN (SELECT seen.id FROM seen)) WITH CHECK (id > (SELECT min(other) FROM public.t))",
        "CREATE POLICY alone ON far.t USING (true)",
        "COMMENT ON POLICY by_view ON far.t IS 'a policy'",
        "CREATE TABLE log (id int, name text)",
        "CREATE RULE noted AS ON INSERT TO log WHERE new.id > 0 DO ALSO UPDATE t SET name = new.name WHERE t.id = new.id",
        "CREATE RULE off AS ON DELETE TO log DO ALSO DELETE FROM seen WHERE id = old.id",
        "ALTER TABLE log DISABLE RULE off",
        "COMMENT ON RULE noted ON log IS 'a rule'",
        "CREATE VIEW elsewhere AS SELECT * FROM log",
        "CREATE RULE up AS ON UPDATE TO elsewhere DO INSTEAD UPDATE t SET name = new.name WHERE id = new.id",
        columns="*, NULL::int",
    )
    database.run("INSERT INTO log VALUES (3, 'noted')")
    assert database.run("SELECT visible FROM seen WHERE id = 3") == [("noted",)]
    database.run("UPDATE elsewhere SET name = 'up'")
    assert database.run("SELECT visible FROM seen WHERE id = 3") == [("up",)]


@pytest.mark.parametrize(
    "alter", [ADD, "RENAME COLUMN name TO title; RENAME COLUMN other TO name; ADD COLUMN extra int"]
)
def test_publications(database: Database, twin: Database, server: sandbox.PostgresServer, alter: str) -> None:
    as_natively(
        database,
        twin,
        alter,
        *TABLE,
        "CREATE TABLE u (id int)",
        'CREATE PUBLICATION "The Plain" FOR TABLE t, u',
        "CREATE PUBLICATION listed FOR TABLE t (id, other, name) WHERE (other > 5 AND name <> 'public.t'), TABLE u",
        "CREATE PUBLICATION by_schema FOR TABLES IN SCHEMA public",
        "CREATE PUBLICATION none FOR TABLE u",
        columns="*, NULL::int",
    )


def test_our_own_publication_stays_with_the_old_table(database: Database) -> None:
    database.run(*TABLE)
    ((name,),) = database.run(
        "SELECT format('ghostpy_%s_%s', (SELECT oid FROM pg_database WHERE datname = current_database()), 't'::regclass::oid)"
    )
    before = asyncio.run(planned(database, T, "DROP COLUMN other"))
    database.run(f"CREATE PUBLICATION {name} FOR TABLE t (other)")
    after = asyncio.run(planned(database, T, "DROP COLUMN other"))
    assert after == before
    assert not refusals(after)


def test_publications_of_all_tables(database: Database) -> None:
    database.run(*TABLE, "CREATE PUBLICATION everything FOR ALL TABLES")
    assert "everything" in refused(database)["all-tables-publication"]
    dependants = asyncio.run(planned(database, T, ADD, allow_all_tables=True))
    assert [(each.code, each.severity) for each in dependants.findings] == [("all-tables-publication", Severity.WARN)]


MATERIALIZED = (
    "CREATE MATERIALIZED VIEW stock WITH (fillfactor = 70, autovacuum_enabled = off, toast.autovacuum_enabled = off)"
    " AS SELECT id, name, other FROM t",
    'CREATE UNIQUE INDEX "The Index" ON stock (id) INCLUDE (name) WITH (fillfactor = 60)',
    "CREATE INDEX lowered ON stock (lower(name)) WHERE other > 0",
    "ALTER INDEX lowered ALTER COLUMN 1 SET STATISTICS 50",
    'ALTER MATERIALIZED VIEW stock CLUSTER ON "The Index"',
    "ALTER MATERIALIZED VIEW stock ALTER COLUMN name SET STATISTICS 77",
    "ALTER MATERIALIZED VIEW stock ALTER COLUMN name SET (n_distinct = 5)",
    "ALTER MATERIALIZED VIEW stock ALTER COLUMN name SET STORAGE EXTERNAL",
    "ALTER MATERIALIZED VIEW stock ALTER COLUMN name SET COMPRESSION pglz",
    "CREATE STATISTICS joint (dependencies) ON id, other FROM stock",
    "ALTER STATISTICS joint SET STATISTICS 33",
    "COMMENT ON STATISTICS joint IS 'statistics'",
    "COMMENT ON MATERIALIZED VIEW stock IS 'a stock'",
    "COMMENT ON COLUMN stock.id IS 'a column'",
    "COMMENT ON INDEX lowered IS 'an index'",
    "CREATE VIEW on_stock AS SELECT s.id, t.name FROM stock s JOIN t USING (id)",
    "CREATE MATERIALIZED VIEW higher AS SELECT count(*) FROM on_stock",
    "CREATE MATERIALIZED VIEW empty AS SELECT * FROM higher WITH NO DATA",
    "GRANT SELECT ON stock TO dep_reader",
    "ALTER MATERIALIZED VIEW stock OWNER TO dep_owner",
    "ALTER STATISTICS joint OWNER TO dep_owner",
)


def test_materialized_views_are_refreshed_later(database: Database, twin: Database) -> None:
    alter = "RENAME COLUMN name TO title; ADD COLUMN extra int"
    as_natively(database, twin, alter, *TABLE, *MATERIALIZED, columns="*, NULL::int", refresh_materialized=True)
    assert database.run("SELECT * FROM higher") == [(5,)]
    assert database.run("SELECT n_distinct FROM pg_stats WHERE tablename = 'stock' AND attname = 'name'") == [(5.0,)]


def test_materialized_views_need_a_flag(database: Database) -> None:
    database.run(*TABLE, *MATERIALIZED)
    dependants = asyncio.run(planned(database, T, ADD))
    assert {each.code for each in refusals(dependants)} == {"materialized-view"}
    assert all("--refresh-materialized-views" in each.way_out for each in refusals(dependants))
    assert len(refusals(dependants)) == 3
    warned = asyncio.run(planned(database, T, ADD, refresh_materialized=True))
    assert {each.severity for each in warned.findings} == {Severity.WARN}
    assert len(warned.findings) == 3


@pytest.mark.parametrize("scope", ["", "IN SCHEMA public"])
def test_default_privileges_add_nothing(database: Database, twin: Database, scope: str) -> None:
    as_natively(
        database,
        twin,
        ADD,
        *TABLE,
        "CREATE VIEW plain AS SELECT id FROM t",
        "CREATE VIEW given AS SELECT id FROM t",
        "CREATE VIEW theirs AS SELECT id FROM t",
        "ALTER VIEW theirs OWNER TO dep_owner",
        "GRANT SELECT ON given TO dep_reader",
        f'ALTER DEFAULT PRIVILEGES {scope} GRANT SELECT, UPDATE ON TABLES TO "dep Other", PUBLIC',
        columns="*, NULL::int",
    )


def test_quoted_names(database: Database, twin: Database) -> None:
    as_natively(
        database,
        twin,
        'RENAME COLUMN "A ""b" TO "c d"; ADD COLUMN "select" int',
        'CREATE SCHEMA "My Schema"',
        'CREATE TABLE "My Schema"."The ""Table""" ("Id" int PRIMARY KEY, "A ""b" text)',
        'CREATE VIEW "My Schema"."The ""View""" AS SELECT "Id", "A ""b" || $$ "My Schema"."The ""Table""" $$ AS x'
        ' FROM "My Schema"."The ""Table"""',
        'CREATE TABLE "My Schema"."The ""Table""2" ("Id" int CONSTRAINT "k ""k" REFERENCES "My Schema"."The ""Table""")',
        'CREATE VIEW public."The ""View""" AS SELECT v.*, w."Id" AS "2" FROM "My Schema"."The ""View""" v,'
        ' "My Schema"."The ""Table""2" w, "My Schema"."The ""Table""" AS "My Schema"',
        'CREATE PUBLICATION "The ""Pub" FOR TABLE "My Schema"."The ""Table""" ("Id", "A ""b")',
        source=QUOTED,
        columns="*, NULL::int",
    )


def test_retyped_columns_change_the_views_on_them(database: Database) -> None:
    database.run(*TABLE, *STACK, *GRANTS, *LOGIC, "CREATE TABLE child (x int REFERENCES t)")
    before = database.picture()
    dependants = asyncio.run(exchanged(database, T, "ALTER COLUMN id TYPE bigint"))
    warned = {each.text.split(" reads ")[0] for each in dependants.findings if each.code == "view-retyped"}
    assert {"view api.t", 'view "Upper".t', "view public.whole"} <= warned
    assert "view public.lone" not in warned
    after = database.picture()
    for same in ("grants", "rules", "triggers", "comments", "relations"):
        assert after[same] == before[same]
    types = {(row[0], row[1]): row[2] for row in after["columns"]}
    assert types["public.top", "id"] == types["api.t", "id"] == "bigint"
    drop_old(database, T)


def test_what_does_not_bear_the_new_type_is_refused(database: Database) -> None:
    database.run(
        *TABLE,
        "CREATE FUNCTION f(int) RETURNS int LANGUAGE sql AS 'SELECT $1'",
        "CREATE VIEW low AS SELECT id FROM t",
        "CREATE VIEW high AS SELECT f(id) FROM low",
        "CREATE VIEW above AS SELECT * FROM high",
    )
    assert "the view public.high cannot" in refused(database, "ALTER COLUMN id TYPE bigint")["dependant-refused"]
    assert "above" not in refused(database, "ALTER COLUMN id TYPE bigint")["dependant-refused"]


def test_a_dropped_column_that_is_used_is_refused(database: Database) -> None:
    database.run(*TABLE, "CREATE VIEW v AS SELECT other FROM t")
    assert refused(database, "DROP COLUMN other") == {
        "dropped-column-used": "the change drops the column other, which view public.v uses"
    }
    assert not refused(database, "DROP COLUMN name")


def test_a_primary_key_that_a_view_groups_by(database: Database) -> None:
    database.run(*TABLE, "CREATE VIEW v AS SELECT id, name FROM t GROUP BY id")
    assert "GROUP BY" in refused(database, "DROP CONSTRAINT t_pkey")["dependant-refused"]


STRANGERS = [
    (
        "dependant-function",
        "function public.f()",
        "CREATE FUNCTION f() RETURNS bigint BEGIN ATOMIC SELECT count(*) FROM t; END",
    ),
    (
        "dependant-function",
        "function public.f(public.t)",
        "CREATE FUNCTION f(t) RETURNS int LANGUAGE sql AS 'SELECT 1'",
    ),
    (
        "dependant-function",
        "function public.f()",
        "CREATE FUNCTION f() RETURNS SETOF t LANGUAGE sql AS 'SELECT * FROM t'",
    ),
    (
        "dependant-function",
        "function public.f(public.t[])",
        "CREATE FUNCTION f(t[]) RETURNS int LANGUAGE sql AS 'SELECT 1'",
    ),
    (
        "dependant-function",
        "function public.f()",
        "CREATE VIEW v AS SELECT id FROM t; CREATE FUNCTION f() RETURNS bigint BEGIN ATOMIC SELECT count(*) FROM v; END",
    ),
    ("dependant-row-type", "column a of table public.o", "CREATE TABLE o (a t)"),
    ("dependant-row-type", "column a of table public.o", "CREATE TABLE o (a t[])"),
    ("dependant-row-type", "column a of composite type", "CREATE TYPE c AS (a t)"),
    ("dependant-row-type", "type public.d", "CREATE DOMAIN d AS t"),
    ("dependant-default", "default value for column a", "CREATE TABLE o (a oid DEFAULT 't'::regclass)"),
    (
        "dependant-constraint",
        "constraint o_check",
        "CREATE TABLE o (a oid, CONSTRAINT o_check CHECK (a <> 't'::regclass))",
    ),
    ("dependant-row-type", "index public.i", "CREATE TABLE o (a oid); CREATE INDEX i ON o ((a = 't'::regclass))"),
    ("dependant-row-type", "table public.o", "CREATE TABLE o () INHERITS (t)"),
    (
        "dependant-trigger",
        "trigger g on table public.o",
        "CREATE TABLE o (a int); CREATE FUNCTION gf() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
        " CREATE CONSTRAINT TRIGGER g AFTER INSERT ON o FROM t FOR EACH ROW EXECUTE FUNCTION gf()",
    ),
    ("dependant-cast", "cast from", "CREATE CAST (t AS int) WITH INOUT"),
    (
        "dependant-object",
        "policy p on table public.t",
        "CREATE VIEW v AS SELECT id FROM t; CREATE POLICY p ON t USING (id IN (TABLE v))",
    ),
    (
        "dependant-default",
        "default value for column a",
        "ALTER TABLE t ADD n int GENERATED ALWAYS AS IDENTITY; CREATE TABLE o (a int DEFAULT nextval('t_n_seq'))",
    ),
    (
        "dependant-object",
        "rule _RETURN on view public.v",
        "ALTER TABLE t ADD n int GENERATED ALWAYS AS IDENTITY; CREATE VIEW v AS SELECT last_value FROM t_n_seq",
    ),
]


@pytest.mark.parametrize(("code", "text", "setup"), STRANGERS)
def test_what_nobody_can_make_again_is_refused(database: Database, code: str, text: str, setup: str) -> None:
    database.run(*TABLE, setup)
    assert text in refused(database)[code]


def test_a_serial_column_shares_its_sequence(database: Database) -> None:
    database.run(
        "CREATE TABLE t (id serial PRIMARY KEY, a int)",
        "CREATE TABLE o (a int DEFAULT nextval('t_id_seq'))",
        "CREATE VIEW v AS SELECT last_value FROM t_id_seq",
    )
    assert not refused(database)


def test_members_of_extensions_are_refused(database: Database) -> None:
    database.run(
        *TABLE,
        "CREATE VIEW v AS SELECT id FROM t",
        "ALTER EXTENSION plpgsql ADD VIEW v",
    )
    found = refused(database)
    database.run("ALTER EXTENSION plpgsql DROP VIEW v")
    assert found["extension"].startswith("view public.v belongs to the extension plpgsql")


def test_temporary_views_are_refused(database: Database) -> None:
    database.run(*TABLE)
    with psycopg.connect(database.url) as other:
        other.execute("CREATE TEMP VIEW mine AS SELECT id FROM public.t")
        other.commit()
        assert ".mine of a session" in refused(database)["view-temporary"]


def test_views_in_a_circle_are_refused(database: Database) -> None:
    database.run(*TABLE, "CREATE VIEW a AS SELECT id FROM t", "CREATE VIEW b AS SELECT id FROM a")
    database.run("CREATE OR REPLACE VIEW a AS SELECT b.id FROM b JOIN t USING (id)")
    assert "view-circle" in refused(database)


def test_a_subscription_is_refused(database: Database) -> None:
    database.run(*TABLE, "CREATE SUBSCRIPTION sub CONNECTION '' PUBLICATION p WITH (connect = false)")
    oid = "(SELECT oid FROM pg_subscription WHERE subname = 'sub')"
    with psycopg.connect(database.url, autocommit=True) as admin:
        admin.execute("SET allow_system_table_mods = on")
        admin.execute(f"INSERT INTO pg_subscription_rel VALUES ({oid}, 't'::regclass, 'r', NULL)".encode())
    assert "subscription sub" in refused(database)["subscription"]
    database.run("ALTER SUBSCRIPTION sub SET (slot_name = NONE)", "DROP SUBSCRIPTION sub")


def test_other_owners_are_refused(database: Database) -> None:
    database.run(
        *TABLE,
        f"GRANT CREATE ON DATABASE {database.name} TO dep_poor",
        "GRANT ALL ON SCHEMA public TO dep_poor",
        "GRANT SELECT, REFERENCES ON t TO dep_poor",
        "CREATE VIEW v AS SELECT id FROM t",
        "CREATE PUBLICATION p FOR TABLE t",
        "CREATE TABLE child (x int REFERENCES t)",
        "ALTER TABLE t OWNER TO dep_poor",
    )
    found = [each.text for each in refusals(asyncio.run(planned(database, T, ADD, user="dep_poor")))]
    assert len([each for each in found if "the view public.v must be made again" in each]) == 1
    assert len([each for each in found if "child_x_fkey of public.child" in each]) == 1
    assert len([each for each in found if "publication p" in each]) == 1


def test_a_member_of_the_owning_role_needs_nothing_more(database: Database, twin: Database) -> None:
    for each in (database, twin):
        each.run(f"GRANT CREATE ON DATABASE {each.name} TO dep_group, dep_poor")
    as_natively(
        database,
        twin,
        "ADD COLUMN extra int; RENAME COLUMN name TO title",
        "GRANT ALL ON SCHEMA public TO dep_group, dep_poor",
        *TABLE,
        "ALTER TABLE t OWNER TO dep_group",
        "CREATE VIEW v AS SELECT id, name FROM t",
        "ALTER VIEW v OWNER TO dep_group",
        "GRANT SELECT ON v TO dep_poor WITH GRANT OPTION",
        "SET ROLE dep_poor; GRANT SELECT ON v TO dep_reader; RESET ROLE",
        "CREATE TABLE child (x int REFERENCES t)",
        "ALTER TABLE child OWNER TO dep_group",
        "CREATE PUBLICATION p FOR TABLE t",
        "ALTER PUBLICATION p OWNER TO dep_group",
        columns="*, NULL::int",
        user="dep_poor",
    )


def test_a_new_dependant_changes_the_fingerprint(database: Database) -> None:
    database.run(*TABLE, "CREATE VIEW v AS SELECT id FROM t")

    async def fingerprint() -> str:
        async with opened(database.settings(), purpose="test") as session:
            return await fingerprint_of(session, T)

    first = asyncio.run(fingerprint())
    assert asyncio.run(planned(database, T, "ADD COLUMN x int; RENAME COLUMN name TO y")).fingerprint == first
    seen = {first}
    for change in [
        "GRANT SELECT ON v TO dep_reader",
        "COMMENT ON VIEW v IS 'x'",
        "CREATE TABLE child (x int REFERENCES t)",
        "CREATE VIEW w AS SELECT * FROM v",
        "CREATE PUBLICATION p FOR TABLE t",
        "CREATE FUNCTION f(t) RETURNS int LANGUAGE sql AS 'SELECT 1'",
    ]:
        database.run(change)
        now = asyncio.run(fingerprint())
        assert now not in seen, change
        seen.add(now)


def test_a_dependant_made_during_the_run_stops_the_exchange(database: Database) -> None:
    database.run(*TABLE, "CREATE VIEW v AS SELECT id FROM t")
    with pytest.raises(errors.SourceChanged):
        asyncio.run(
            exchanged(
                database,
                T,
                "ADD COLUMN e int",
                columns="*, 1",
                before_lock=lambda: database.run("CREATE VIEW w AS SELECT id FROM v"),
            )
        )


def test_only_what_is_made_again_is_locked(database: Database) -> None:
    database.run(
        *TABLE,
        "CREATE TABLE innocent (id int)",
        "CREATE VIEW v AS SELECT t.id FROM t JOIN innocent USING (id)",
        "CREATE MATERIALIZED VIEW m AS SELECT * FROM v",
        "CREATE TABLE child (x int REFERENCES t)",
    )
    dependants = asyncio.run(planned(database, T, ADD, refresh_materialized=True))
    with psycopg.connect(database.url) as connection:
        for statement in dependants.locks:
            connection.execute(statement.encode())
        held = connection.execute(
            "SELECT relation::regclass::text FROM pg_locks WHERE pid = pg_backend_pid() AND mode = 'AccessExclusiveLock'"
        ).fetchall()
        assert sorted(held) == [("child",), ("m",), ("v",)]
        connection.rollback()


def test_a_table_that_nobody_points_at(database: Database) -> None:
    database.run(*TABLE, "CREATE VIEW lone AS SELECT 1 AS one")
    dependants = asyncio.run(planned(database, T, "RENAME COLUMN id TO x"))
    assert (dependants.findings, dependants.locks, dependants.before_move, dependants.after_move) == ((), (), (), ())


def test_within_a_transaction_nothing_of_ours_is_left(database: Database) -> None:
    database.run(*TABLE, *STACK)

    async def scenario() -> None:
        async with opened(database.settings(), purpose="test") as session, session.transaction():
            await session.execute("SET LOCAL search_path = api", doing="setting")
            await fingerprint_of(session, T)
            assert await session.scalar("SELECT current_setting('search_path')", doing="asking") == "api"
            with pytest.raises(errors.SourceChanged, match=r"public\.gone"):
                await fingerprint_of(session, TableName("public", "gone"))
            assert await session.scalar("SELECT 1", doing="asking") == 1

    asyncio.run(scenario())
