"""One question to the catalogs: everything outside the source that points at it, with its definition.

"pg_depend" is what the server itself goes by. The relations that must be made again are the views and materialized
views that read the source, and those stacked on them (`doomed`, with the source itself). What belongs to one of them,
its row type for instance, is a `part` of it; whatever else depends on a part is `outside`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from msgspec import Struct
from psycopg.pq import TransactionStatus

from ghostpy import errors
from ghostpy.dialects.postgres.dependants import (
    inbound_keys,
    outside_policies,
    outside_rules,
    publications,
    strangers,
    views,
)
from ghostpy.dialects.postgres.dependants.rebuilt import EMPTY_PATH, Described
from ghostpy.dialects.postgres.session import Session
from ghostpy.model.names import TableName

DEEPEST = 100
"""Views stacked higher go round in a circle (CREATE OR REPLACE VIEW can make one)."""

_DOING = "asking what points at the table"

_SCOPE = """
WITH RECURSIVE reached(oid, depth) AS (
    SELECT $OID::oid, 0
    UNION
    SELECT r.ev_class, reached.depth + 1
    FROM reached
    JOIN pg_class c ON c.oid = reached.oid
    LEFT JOIN pg_type t ON t.oid = c.reltype
    CROSS JOIN LATERAL (VALUES ('pg_class'::regclass::oid, c.oid), ('pg_type'::regclass, t.oid),
                               ('pg_type'::regclass, t.typarray)) AS ref(class, id)
    JOIN pg_depend d ON d.refclassid = ref.class AND d.refobjid = ref.id AND d.classid = 'pg_rewrite'::regclass
    JOIN pg_rewrite r ON r.oid = d.objid AND r.ev_type = '1' AND r.ev_class <> reached.oid
    WHERE reached.depth < $DEEPEST
),
doomed AS MATERIALIZED (SELECT oid, max(depth) AS depth FROM reached GROUP BY oid),
part(class, id, relation, stays) AS MATERIALIZED (
    SELECT 'pg_class'::regclass::oid, oid, oid, false FROM doomed
    UNION ALL SELECT 'pg_type'::regclass, ref.id, c.oid, false
        FROM doomed JOIN pg_class c ON c.oid = doomed.oid JOIN pg_type t ON t.oid = c.reltype
        CROSS JOIN LATERAL (VALUES (t.oid), (t.typarray)) AS ref(id)
    UNION ALL SELECT 'pg_class'::regclass, c.reltoastrelid, c.oid, true
        FROM doomed JOIN pg_class c ON c.oid = doomed.oid WHERE c.reltoastrelid <> 0
    UNION ALL SELECT 'pg_class'::regclass, i.indexrelid, i.indrelid, false
        FROM doomed JOIN pg_index i ON i.indrelid = doomed.oid
    UNION ALL SELECT 'pg_constraint'::regclass, k.oid, k.conrelid, false
        FROM doomed JOIN pg_constraint k ON k.conrelid = doomed.oid
    UNION ALL SELECT 'pg_trigger'::regclass, g.oid, g.tgrelid, false
        FROM doomed JOIN pg_trigger g ON g.tgrelid = doomed.oid
    UNION ALL SELECT 'pg_trigger'::regclass, g.oid, k.conrelid, false
        FROM doomed JOIN pg_constraint k ON k.conrelid = doomed.oid
        JOIN pg_trigger g ON g.tgconstraint = k.oid AND g.tgisinternal
    UNION ALL SELECT 'pg_attrdef'::regclass, a.oid, a.adrelid, false
        FROM doomed JOIN pg_attrdef a ON a.adrelid = doomed.oid
    UNION ALL SELECT 'pg_policy'::regclass, p.oid, p.polrelid, false
        FROM doomed JOIN pg_policy p ON p.polrelid = doomed.oid
    UNION ALL SELECT 'pg_rewrite'::regclass, r.oid, r.ev_class, false
        FROM doomed JOIN pg_rewrite r ON r.ev_class = doomed.oid
    UNION ALL SELECT 'pg_statistic_ext'::regclass, s.oid, s.stxrelid, false
        FROM doomed JOIN pg_statistic_ext s ON s.stxrelid = doomed.oid
    -- A sequence of a serial column goes over to the new table; that of an identity column cannot.
    UNION ALL SELECT 'pg_class'::regclass, d.objid, d.refobjid, d.deptype = 'a'
        FROM doomed JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = doomed.oid
            AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
        JOIN pg_class c ON c.oid = d.objid AND c.relkind = 'S'
),
outside AS MATERIALIZED (
    SELECT DISTINCT d.classid, d.objid, d.objsubid, d.refclassid, d.refobjid
    FROM part JOIN pg_depend d ON d.refclassid = part.class AND d.refobjid = part.id
    -- What belongs to the source is made again with the source; so it must not need a view that is not there then.
    WHERE NOT part.stays AND NOT EXISTS (
        SELECT FROM part AS own WHERE own.class = d.classid AND own.id = d.objid
            AND (own.relation <> $OID OR part.relation = $OID))
)
"""

_QUESTIONS = {
    "view": views.QUESTION,
    "view rule": outside_rules.QUESTION_OF_VIEWS,
    "rule": outside_rules.QUESTION,
    "policy": outside_policies.QUESTION,
    "key": inbound_keys.QUESTION,
    "publication": publications.QUESTION,
    "all tables": publications.QUESTION_ALL_TABLES,
    "subscription": publications.QUESTION_SUBSCRIPTIONS,
    "use": strangers.QUESTION_USES,
    "member": strangers.QUESTION_MEMBERS,
    "stranger": strangers.QUESTION,
}


class Inventory(Struct, frozen=True):
    """The answer: what the catalogs say of each thing, by its kind."""

    rows: tuple[tuple[str, Described], ...]

    def of(self, kind: str) -> list[Described]:
        return [row for each, row in self.rows if each == kind]

    @property
    def fingerprint(self) -> str:
        """Differs as soon as anything in the answer does."""
        return hashlib.sha256(json.dumps(self.rows, sort_keys=True).encode()).hexdigest()


async def table_oid(session: Session, table: TableName) -> int:
    """Raises SourceChanged where there is no such table."""
    found = await session.scalar(
        "SELECT c.oid::int8 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = %s AND c.relname = %s",
        [table.schema, table.table],
        doing=_DOING,
    )
    if found is None:
        raise errors.SourceChanged(f"{table} on {session.address} is gone")
    return int(found)


async def inventory(session: Session, oid: int) -> Inventory:
    """Ask for what points at this table, under an empty search path.

    Planning the question takes longer than answering it, so the session keeps it prepared: who asks before the lock
    waits less under it.
    """
    name = f"ghostpy_dependants_{oid}"
    known = f"SELECT count(*) FROM pg_catalog.pg_prepared_statements WHERE name = '{name}'"
    # Of two statements at once the driver shows the first one's rows first.
    if not await session.scalar(f"{known}; {EMPTY_PATH}", doing=_DOING):
        question = _question(oid, session.connection.info.server_version)
        await session.execute(f"PREPARE {name} AS {question}", doing=_DOING)
    rows = await session.query(f"EXECUTE {name}", doing=_DOING)
    return Inventory(tuple(sorted(((kind, row) for kind, row in rows), key=_place)))


def _question(oid: int, version: int) -> str:
    parts = [f"SELECT '{kind}' AS kind, to_jsonb(q) AS row FROM ({sql}) q" for kind, sql in _QUESTIONS.items()]
    question = publications.for_version(_SCOPE + "\nUNION ALL ".join(parts), version)
    return question.replace("$OID", str(oid)).replace("$DEEPEST", str(DEEPEST))


def _place(found: tuple[str, Described]) -> tuple[str, int, str]:
    kind, row = found
    return kind, row.get("depth", 0), json.dumps(row, sort_keys=True)


@asynccontextmanager
async def undone(session: Session, name: str = "ghostpy_aside") -> AsyncIterator[None]:
    """Undo what the block does: within the session's transaction by a savepoint, else in a transaction of its own."""
    if session.connection.info.transaction_status == TransactionStatus.IDLE and session.connection.autocommit:
        async with session.transaction(keep=False):
            yield
        return
    await session.execute(f"SAVEPOINT {name}", doing=_DOING)
    try:
        yield
    finally:
        # Also after an error: the transaction goes on for whoever opened it.
        await session.execute(f"ROLLBACK TO SAVEPOINT {name}; RELEASE SAVEPOINT {name}", doing=_DOING)
