"""What belongs to the table itself and cannot go over to a new one, or not unnoticed."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from ghostpy.dialects.postgres import quote
from ghostpy.dialects.postgres.session import Session
from ghostpy.model.finding import Finding, Severity
from ghostpy.model.names import TableName

_DOING = "looking at the table"


class _Own(Struct, frozen=True):
    """What decides, as the catalogs have it."""

    kind: str
    persistence: str
    identity: str
    partition: bool
    typed: str | None
    parents: list[str]
    children: list[str]
    hidden_rows: bool
    deferrable_key: str | None
    identity_index: bool
    stored_columns: list[str]
    always: list[str]
    unchecked: list[str]
    invalid: list[str]
    doubled: list[str]
    grantors: list[str]
    unreachable: list[str]


# row_security_active() alone would be false under row_security = off, which our sessions run with; so by its own rules
# ("Row Security Policies"): superusers and BYPASSRLS are exempt, the owner is unless it is forced.
_QUESTION = """
SELECT c.relkind::text, c.relpersistence::text, c.relreplident::text, c.relispartition,
  CASE WHEN c.reloftype <> 0 THEN format_type(c.reloftype, NULL) END,
  ARRAY(SELECT i.inhparent::regclass::text FROM pg_inherits i WHERE i.inhrelid = c.oid ORDER BY 1),
  ARRAY(SELECT i.inhrelid::regclass::text FROM pg_inherits i WHERE i.inhparent = c.oid ORDER BY 1),
  c.relrowsecurity AND NOT (SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user)
    AND (c.relforcerowsecurity OR NOT pg_has_role(c.relowner, 'usage')),
  (SELECT k.conname::text FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'p' AND k.condeferrable),
  EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisvalid
          AND CASE c.relreplident WHEN 'i' THEN i.indisreplident ELSE i.indisprimary END),
  ARRAY(SELECT a.attname::text FROM pg_attribute a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = 's' ORDER BY a.attnum),
  ARRAY(SELECT t.tgname::text FROM pg_trigger t
        WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgenabled IN ('A', 'R') ORDER BY 1),
  ARRAY(SELECT DISTINCT k.conname::text FROM pg_trigger t JOIN pg_constraint k ON k.oid = t.tgconstraint
        WHERE t.tgrelid = c.oid AND t.tgisinternal AND t.tgenabled <> 'O' ORDER BY 1),
  ARRAY(SELECT x.relname::text FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
        WHERE i.indrelid = c.oid AND NOT (i.indisvalid AND i.indisready) ORDER BY 1),
  ARRAY(SELECT s.stxname::text FROM pg_statistic_ext s WHERE s.stxrelid = c.oid GROUP BY 1 HAVING count(*) > 1 ORDER BY 1),
  ARRAY(SELECT DISTINCT pg_get_userbyid(x.grantor)::text
        FROM (SELECT c.relacl AS acl UNION ALL SELECT a.attacl FROM pg_attribute a WHERE a.attrelid = c.oid) acls
        CROSS JOIN aclexplode(acls.acl) x
        WHERE x.grantor <> c.relowner AND NOT pg_has_role(x.grantor, 'member') ORDER BY 1),
  ARRAY(SELECT DISTINCT k.confrelid::regclass::text FROM pg_constraint k
        WHERE k.conrelid = c.oid AND k.contype = 'f' AND k.confrelid <> c.oid AND k.conparentid = 0
          AND NOT (has_any_column_privilege(k.confrelid, 'REFERENCES')
                   AND has_table_privilege(k.confrelid, 'UPDATE, DELETE, TRUNCATE')) ORDER BY 1)
FROM pg_class c WHERE c.oid = %s::regclass
"""

_EVENT_TRIGGERS = "SELECT evtname FROM pg_event_trigger WHERE evtenabled IN ('O', 'A') ORDER BY evtname"


async def own_findings(session: Session, source: TableName) -> list[Finding]:
    """What `source` has that a change by way of a new table cannot keep, each named, with the way out."""
    row = (await session.query(_QUESTION, [quote.table(source)], doing=_DOING))[0]
    events = [name for (name,) in await session.query(_EVENT_TRIGGERS, doing=_DOING)]
    own = _Own(*row)
    findings = [*_kind(own, source)]
    if not findings:
        findings += [*_stream(own, source, session.connection.info.server_version), *_carried(own, source)]
    return [*findings, *_events(events)]


def _kind(own: _Own, source: TableName) -> Iterator[Finding]:
    if own.persistence == "t":
        yield Finding(
            "temporary", f"{source} is temporary", "Use the server's own ALTER TABLE: nobody else waits for it."
        )
    elif own.persistence == "u":
        text = f"{source} is unlogged: its changes are not in the WAL, so they cannot be followed"
        yield Finding("unlogged", text, "ALTER TABLE … SET LOGGED first, or use the server's own ALTER TABLE.")
    if own.kind == "f":
        yield Finding("foreign-table", f"{source} is a foreign table", "Change the table on its own server.")
    elif own.kind == "p":
        text = f"{source} is partitioned"
        way_out = (
            "Use the server's own ALTER TABLE: a new column without a computed default takes an instant. An index: CREATE INDEX … ON ONLY, "
            "CREATE INDEX CONCURRENTLY on each partition, ALTER INDEX … ATTACH PARTITION."
        )
        yield Finding("partitioned", text, way_out)
    elif own.kind != "r":
        yield Finding("not-a-table", f"{source} is not a table of rows", "Name the table below it.")
    if own.partition:
        text = f"{source} is a partition of {_listed(own.parents)}"
        yield Finding("partition", text, "Change the partitioned table, with the server's own ALTER TABLE.")
    elif own.parents:
        text = f"{source} inherits from {_listed(own.parents)}"
        yield Finding("inherits", text, "ALTER TABLE … NO INHERIT first, or use the server's own ALTER TABLE.")
    if own.children and own.kind != "p":
        text = f"{_listed(own.children)} inherits from {source}"
        yield Finding("inherited", text, "ALTER TABLE … NO INHERIT there first, or use the server's own ALTER TABLE.")
    if own.typed is not None:
        text = f"{source} is a table of the type {own.typed}"
        yield Finding("typed-table", text, "ALTER TABLE … NOT OF first, or change the type.")


def _stream(own: _Own, source: TableName, version: int) -> Iterator[Finding]:
    """What would make the application's own UPDATE and DELETE fail as soon as our publication is there ("Publication")."""
    if own.identity == "n":
        text = (
            f"{source} has REPLICA IDENTITY NOTHING: once it is published, its rows can be neither updated nor deleted"
        )
        yield Finding(
            "replica-identity", text, "ALTER TABLE … REPLICA IDENTITY DEFAULT (or USING INDEX, or FULL) first."
        )
    elif own.identity == "d" and own.deferrable_key is not None:
        text = f"the primary key {own.deferrable_key} of {source} is deferrable, so it does not tell changed rows apart in the stream"
        yield Finding(
            "deferrable-key", text, "Give it REPLICA IDENTITY FULL or USING INDEX of another unique index first."
        )
    elif own.identity in "di" and not own.identity_index:
        text = f"{source} has no replica identity: once it is published, its rows can be neither updated nor deleted"
        yield Finding(
            "replica-identity", text, "Give it a primary key, or REPLICA IDENTITY USING INDEX of a unique one."
        )
    if own.identity == "f" and own.stored_columns and version >= 180000:
        text = (
            f"{source} has REPLICA IDENTITY FULL and generated columns ({', '.join(own.stored_columns)}): "
            "once it is published, its rows can be neither updated nor deleted"
        )
        yield Finding("full-identity-generated", text, "ALTER TABLE … REPLICA IDENTITY DEFAULT (or USING INDEX) first.")


def _carried(own: _Own, source: TableName) -> Iterator[Finding]:
    if own.hidden_rows:
        text = f"the policies of {source} apply to our role too, so it cannot be sure to see all rows"
        yield Finding(
            "row-security", text, "Run as a role with BYPASSRLS, or as the owner without FORCE ROW LEVEL SECURITY."
        )
    if own.doubled:
        text = f"{source} has two statistics called {_listed(own.doubled)}, in different schemas"
        yield Finding("same-statistics", text, "ALTER STATISTICS … RENAME one of them.")
    if own.grantors:
        text = (
            f"privileges on {source} were granted by {_listed(own.grantors)}, in whose name we cannot grant them again"
        )
        yield Finding("grantor", text, "Run as a member of these roles, or as a superuser.")
    if own.unreachable:
        text = (
            f"{source} has foreign keys to {_listed(own.unreachable)}; our role may not lock that and make them again"
        )
        yield Finding("missing-privilege", text, "GRANT REFERENCES, UPDATE ON it TO our role.")
    if own.invalid:
        text = f"indexes of {source} that are not valid are left out: {_listed(own.invalid)}"
        yield Finding("invalid-index", text, "REINDEX or drop them.", Severity.WARN)
    if own.unchecked:
        text = (
            f"foreign keys of {source} whose triggers do not fire as usual will fire as usual: {_listed(own.unchecked)}"
        )
        yield Finding(
            "foreign-key-trigger", text, "ALTER TABLE … DISABLE TRIGGER again after the change.", Severity.WARN
        )
    if own.always:
        text = f"{source} has triggers that fire on replicated changes too (ENABLE ALWAYS or REPLICA): {_listed(own.always)}"
        yield Finding(
            "replica-trigger",
            text,
            "They are carried over; see that none of them counts on the table's OID.",
            Severity.WARN,
        )


def _events(events: list[str]) -> Iterator[Finding]:
    if events:
        text = f"the database has event triggers, which our DDL fires: {_listed(events)}"
        yield Finding("event-trigger", text, "See that they let it pass, or disable them for the run.", Severity.WARN)


def _listed(names: list[str]) -> str:
    return ", ".join(names)
