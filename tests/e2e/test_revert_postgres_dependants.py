"""PostgreSQL: what hangs on a table comes back with it when an exchange is taken back."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from going_back_postgres import Place

from ghostpy import sandbox

NewDatabase = Callable[[sandbox.Server], str]


@pytest.fixture(params=[18, *(pytest.param(version, marks=pytest.mark.soak) for version in (15, 14))])
def server(
    request: pytest.FixtureRequest, postgres_with: Callable[[int, sandbox.Options], sandbox.PostgresServer]
) -> sandbox.PostgresServer:
    return postgres_with(request.param, {})


_HUNG = (
    "CREATE ROLE {role}",
    "CREATE TABLE parent (id int PRIMARY KEY)",
    "INSERT INTO parent SELECT generate_series(1, 100)",
    "CREATE TABLE log (id int, what text)",
    "CREATE FUNCTION logged() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.log VALUES (NEW.id, TG_NAME); RETURN NEW; END $$",
    "CREATE TABLE t (id serial PRIMARY KEY, number int GENERATED ALWAYS AS IDENTITY, parent int REFERENCES parent, "
    "up int CONSTRAINT upwards REFERENCES t, v int NOT NULL CHECK (v > 0), gone text DEFAULT 'fresh', other text, "
    "twice int GENERATED ALWAYS AS (v * 2) STORED)",
    "INSERT INTO t (parent, up, v, gone, other) SELECT i, CASE WHEN i > 1 THEN i - 1 END, i, 'gone ' || i, 'other' FROM generate_series(1, 50) AS i",
    "CREATE INDEX by_v ON t (v DESC) WHERE v > 3",
    "CREATE STATISTICS both_of_t ON v, parent FROM t",
    "CREATE TRIGGER first_one AFTER INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION logged()",
    "CREATE TRIGGER second_one AFTER INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION logged()",
    "ALTER TABLE t ENABLE ALWAYS TRIGGER second_one",
    "CREATE TRIGGER third_one AFTER INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION logged()",
    "ALTER TABLE t DISABLE TRIGGER third_one",
    "CREATE RULE noted AS ON DELETE TO t DO ALSO INSERT INTO log VALUES (OLD.id, 'deleted')",
    "CREATE TABLE child (id int PRIMARY KEY, t int CONSTRAINT to_t REFERENCES t ON DELETE CASCADE)",
    "INSERT INTO child VALUES (1, 1)",
    "CREATE VIEW seen AS SELECT id, v FROM t",
    "CREATE VIEW above AS SELECT id FROM seen WHERE v > 10",
    "GRANT SELECT, INSERT ON t TO {role}",
    "GRANT UPDATE (v) ON t TO {role}",
    "CREATE TABLE guarded (id int)",
    "ALTER TABLE guarded ENABLE ROW LEVEL SECURITY",
    "CREATE POLICY by_t ON guarded USING (EXISTS (SELECT FROM t WHERE t.id = guarded.id))",
    "ALTER TABLE t ENABLE ROW LEVEL SECURITY",
    "CREATE POLICY mine ON t TO {role} USING (v < 30)",
    "CREATE PUBLICATION everything FOR TABLE t",
    "COMMENT ON TABLE t IS 'a table'",
)
_SINCE = (
    "CREATE VIEW later AS SELECT id, v FROM above JOIN t USING (id)",
    "CREATE TABLE second_child (t int CONSTRAINT second_to_t REFERENCES t)",
    "GRANT DELETE ON t TO {role}",
    "REVOKE INSERT ON t FROM {role}",
    "GRANT UPDATE (parent) ON t TO {role} WITH GRANT OPTION",
    "ALTER TABLE t ENABLE TRIGGER third_one",
    "ALTER TABLE t DISABLE TRIGGER first_one",
    "CREATE PUBLICATION newer FOR TABLE t",
    "UPDATE t SET v = v + 100 WHERE id <= 10",
    "UPDATE t SET up = NULL WHERE up = 20",
    "DELETE FROM t WHERE id = 20",
    "INSERT INTO t (parent, up, v) SELECT i, 2, i FROM generate_series(1, 20) AS i",
)
_DESCRIBED = """
SELECT 'constraint', conname, pg_get_constraintdef(oid), convalidated::text FROM pg_constraint
WHERE 't'::regclass IN (conrelid, confrelid) AND contype <> 'n' AND conparentid = 0
UNION ALL SELECT 'trigger', tgname, pg_get_triggerdef(oid), tgenabled::text FROM pg_trigger WHERE tgrelid = 't'::regclass AND NOT tgisinternal
UNION ALL SELECT 'rule', rulename, pg_get_ruledef(oid), ev_enabled::text FROM pg_rewrite WHERE ev_class = 't'::regclass
UNION ALL SELECT 'index', x.relname, pg_get_indexdef(indexrelid), '' FROM pg_index i JOIN pg_class x ON x.oid = indexrelid WHERE indrelid = 't'::regclass
UNION ALL SELECT 'statistics', stxname, pg_get_statisticsobjdef(oid), '' FROM pg_statistic_ext WHERE stxrelid = 't'::regclass
UNION ALL SELECT 'policy', polname, pg_get_expr(polqual, polrelid), polrelid::regclass::text FROM pg_policy
    WHERE polrelid::regclass::text IN ('t', 'guarded')
UNION ALL SELECT 'column', attname, format_type(atttypid, atttypmod), concat(attidentity, attgenerated, attnotnull) FROM pg_attribute
    WHERE attrelid = 't'::regclass AND attnum > 0 AND NOT attisdropped
UNION ALL SELECT 'published', pubname, '', '' FROM pg_publication_tables WHERE tablename = 't' AND pubname NOT LIKE 'ghostpy%'
UNION ALL SELECT 'view', viewname, definition, '' FROM pg_views WHERE schemaname = 'public'
UNION ALL SELECT 'owned', pg_get_serial_sequence('t', 'id'), pg_get_serial_sequence('t', 'number'), ''
UNION ALL SELECT 'table', obj_description('t'::regclass), relrowsecurity::text, '' FROM pg_class WHERE oid = 't'::regclass
UNION ALL SELECT 'grant', grantee, string_agg(privilege_type || is_grantable, ' ' ORDER BY privilege_type), '' FROM information_schema.role_table_grants
    WHERE table_schema = 'public' AND table_name = 't' GROUP BY grantee
UNION ALL SELECT 'column grant', grantee, column_name, string_agg(privilege_type || is_grantable, ' ' ORDER BY privilege_type)
    FROM information_schema.role_column_grants WHERE table_schema = 'public' AND table_name = 't' AND privilege_type = 'UPDATE' GROUP BY 2, 3
ORDER BY 1, 2, 3, 4
"""


def test_what_hangs_on_the_table_comes_back(server: sandbox.PostgresServer, new_database: NewDatabase) -> None:
    place = Place(server, new_database(server))
    role = f"role_of_{place.database}"
    place.do(*(statement.format(role=role) for statement in _HUNG))
    # Of what the table was, all but what is made since; the same statements tell on a twin that is never changed.
    twin = Place(server, new_database(server))
    twin.do(*(statement.format(role=role) for statement in _HUNG if "CREATE ROLE" not in statement))
    try:
        done = place.migrate(
            "DROP COLUMN gone, ALTER COLUMN id TYPE bigint, ADD COLUMN extra int DEFAULT 3, ALTER COLUMN other SET NOT NULL, "
            "ALTER COLUMN other SET DEFAULT 'x'",
            "--keep-revertible",
        )
        assert done.status == 0, done.errors
        kept = place.ask("SELECT id, gone FROM _public_t_del.t ORDER BY id")
        for each in (place, twin):
            each.do(*(statement.format(role=role) for statement in _SINCE))
        done = place.revert("--execute")
        assert done.status == 0, done.errors
        assert place.ask(_DESCRIBED) == twin.ask(_DESCRIBED)
        assert place.ask("SELECT id, number, parent, up, v, twice FROM t ORDER BY id") == twin.ask(
            "SELECT id, number, parent, up, v, twice FROM t ORDER BY id"
        )
        assert place.ask("SELECT * FROM log ORDER BY 1, 2") == twin.ask("SELECT * FROM log ORDER BY 1, 2")
        assert place.ask("SELECT id, gone FROM t WHERE id <= 50 ORDER BY id") == [row for row in kept if row[0] != 20]
        assert place.ask("SELECT DISTINCT gone FROM t WHERE id > 50") == [("fresh",)]
        for each in (place, twin):
            each.do(
                "INSERT INTO t (v, other) VALUES (1, 'y')",
                "UPDATE t SET up = NULL WHERE up = 1",
                "DELETE FROM t WHERE id = 1",
            )
        assert place.ask("SELECT id, number FROM t ORDER BY id DESC LIMIT 1") == twin.ask(
            "SELECT id, number FROM t ORDER BY id DESC LIMIT 1"
        )
        assert place.ask("SELECT * FROM log ORDER BY 1, 2") == twin.ask("SELECT * FROM log ORDER BY 1, 2")
        assert place.ask("SELECT count(*) FROM child") == [(0,)]
        assert place.ask("SELECT count(*), max(v) FROM seen") == twin.ask("SELECT count(*), max(v) FROM seen")
        with pytest.raises(Exception, match="second_to_t"):
            place.do("INSERT INTO second_child VALUES (100000)")

        # And forward again.
        before = place.ask("SELECT id, extra FROM _public_t_rev_del.t ORDER BY id")
        done = place.revert("--execute")
        assert done.status == 0, done.errors
        kinds = "'trigger', 'rule', 'statistics', 'policy', 'published', 'owned', 'grant', 'column grant', 'table'"
        same = (
            f"SELECT * FROM ({_DESCRIBED}) AS d (kind, a, b, c) WHERE kind IN ({kinds}) AND b NOT IN ('gone', 'extra')"
        )
        assert place.ask(same) == twin.ask(same)
        assert place.ask("SELECT id, extra FROM t WHERE extra IS NOT NULL ORDER BY id LIMIT 70") == [
            *(row for row in before if row[0] != 1),
            (71, 3),
        ]
        assert place.ask("SELECT conname FROM pg_constraint WHERE NOT convalidated") == []
        place.do("INSERT INTO t (v, up) VALUES (1, 71)")
        twin.do("INSERT INTO t (v, up) VALUES (1, 71)")
        assert place.ask("SELECT id, number FROM t ORDER BY id DESC LIMIT 1") == twin.ask(
            "SELECT id, number FROM t ORDER BY id DESC LIMIT 1"
        )
        assert place.ask("SELECT * FROM log ORDER BY 1, 2") == twin.ask("SELECT * FROM log ORDER BY 1, 2")
    finally:
        for each in (place, twin):
            each.do(f"DROP OWNED BY {role}")
        place.do(f"DROP ROLE {role}")
