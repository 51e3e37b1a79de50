"""Does the server give what a run by way of a shadow needs, and has the user the rights to it?"""

from __future__ import annotations

from ghostpy.dialects.postgres.facts import ServerFacts
from ghostpy.dialects.postgres.session import Session
from ghostpy.model.finding import Finding
from ghostpy.model.names import TableName

OLDEST = 14


def server_findings(facts: ServerFacts) -> list[Finding]:
    """Version, WAL level, room for a slot and a walsender."""
    findings = []
    if facts.major < OLDEST:
        findings.append(
            Finding(
                "old-server",
                f"the server is PostgreSQL {facts.version}; {OLDEST} is the oldest that works",
                "Upgrade it.",
            )
        )
    if facts.in_recovery or facts.read_only:
        findings.append(Finding("read-only", "the server is a standby or read-only", "Connect to the primary."))
    if facts.wal_level != "logical":
        findings.append(
            Finding(
                "wal-level",
                f"wal_level is {facts.wal_level}, so changes of rows cannot be followed",
                "Set wal_level = logical and restart the server (managed servers have a parameter for it).",
            )
        )
    if facts.used_slots >= facts.max_slots:
        findings.append(
            Finding(
                "no-free-slot",
                f"all {facts.max_slots} replication slots are in use",
                "Drop one that nobody needs, or raise max_replication_slots.",
            )
        )
    if facts.used_senders >= facts.max_senders:
        findings.append(
            Finding(
                "no-free-walsender",
                f"all {facts.max_senders} walsenders are in use",
                "Raise max_wal_senders.",
            )
        )
    return findings


_RIGHTS = """
SELECT pg_has_role(c.relowner, 'usage'), pg_get_userbyid(c.relowner), has_schema_privilege(n.oid, 'create'),
       has_database_privilege(current_database(), 'create')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %s AND c.relname = %s
"""


async def privilege_findings(session: Session, facts: ServerFacts, source: TableName, *, shadow: bool) -> list[Finding]:
    """What the user must be allowed; without `shadow` the table is altered in place."""
    rows = await session.query(_RIGHTS, [source.schema, source.table], doing="asking for privileges")
    owns, owner, in_schema, in_database = rows[0]
    missing = []
    if not owns:
        missing.append(
            (f"is not the owner of {source} ({owner}) nor a member of that role", f'GRANT "{owner}" TO "{facts.user}"')
        )
    if shadow and not in_schema:
        missing.append(
            (
                f"has no CREATE on the schema {source.schema}",
                f'GRANT CREATE ON SCHEMA "{source.schema}" TO "{facts.user}"',
            )
        )
    if shadow and not in_database:
        missing.append(
            (
                f"has no CREATE on the database {facts.database} (for the shadow's schema and the publication)",
                f'GRANT CREATE ON DATABASE "{facts.database}" TO "{facts.user}"',
            )
        )
    if shadow and not facts.replication:
        missing.append(("may not replicate", f'ALTER ROLE "{facts.user}" REPLICATION'))
    return [Finding("missing-privilege", f"{facts.user} {what}", f"{how};") for what, how in missing]
