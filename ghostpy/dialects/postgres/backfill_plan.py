"""May this table be updated like this, and along which key? Nothing is changed to find out."""

from __future__ import annotations

from msgspec.structs import replace

from ghostpy import errors
from ghostpy.dialects.postgres import quote
from ghostpy.dialects.postgres.facts import ServerFacts
from ghostpy.dialects.postgres.inspect import describe
from ghostpy.dialects.postgres.names import MADE_BY_US
from ghostpy.dialects.postgres.server_checks import OLDEST
from ghostpy.dialects.postgres.session import Session
from ghostpy.dialects.postgres.update_statements import UpdateStatements
from ghostpy.model.finding import Finding, Severity
from ghostpy.model.keys import KeyRange
from ghostpy.model.names import HelperNames, TableName
from ghostpy.model.plan import Plan
from ghostpy.planning.backfill import (
    assembled,
    assignment_findings,
    backfill_key,
    expressions,
    other_rows,
    set_columns,
)
from ghostpy.planning.postgres_tokens import TokenKind, tokenize
from ghostpy.preflight.refusal import refusal, refusing
from ghostpy.settings import TargetSettings

_DOING = "looking at the table"
_HANGS_ON = """
SELECT ARRAY(SELECT t.tgname::text FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal
             AND t.tgenabled <> 'D' AND t.tgtype::int & 16 <> 0 ORDER BY 1),
       ARRAY(SELECT r.rulename::text FROM pg_rewrite r WHERE r.ev_class = c.oid AND r.ev_type = '2' ORDER BY 1),
       CASE WHEN c.relkind = 'r' THEN ARRAY(SELECT i.inhrelid::regclass::text FROM pg_inherits i WHERE i.inhparent = c.oid ORDER BY 1)
            ELSE '{}' END,
       has_database_privilege(current_database(), 'create')
FROM pg_class c WHERE c.oid = %s::regclass
"""


async def backfill_plan(
    session: Session, facts: ServerFacts, source: TableName, names: HelperNames, settings: TargetSettings
) -> Plan:
    """The plan. Raises PlanRefused with all findings, or MissingPrivilege where only privileges are missing."""
    table = await describe(session, source)
    if table is None:
        text = f"there is no table {source} in the database {facts.database}, or no right to see it"
        raise refusal(source, session.address, [Finding("no-such-table", text, "Check --table and the database.")])
    if table.kind not in ("BASE TABLE", "PARTITIONED TABLE"):
        text = f"{source} is a {table.kind.lower()}, not a table of rows"
        raise refusal(source, session.address, [Finding("not-a-table", text, "Name the table below it.")])
    findings = _server_findings(facts) + _expressions(settings)
    findings += await _hanging_on(session, facts, source)
    findings += assignment_findings(table, settings.assignments, spelled=str)
    set_ = set_columns(table, settings.assignments, spelled=str)
    key, against = backfill_key(table, set_, fits=lambda _: True)
    findings += against
    findings += await _name_in_the_way(session, names.ledger.schema)
    if key is None or refusing(findings):
        raise refusal(source, session.address, findings)
    plan = assembled(
        table,
        key,
        set_,
        names,
        settings,
        quoted=quote.table(table.name),
        update=lambda plan, chunk: UpdateStatements(plan).update(chunk),
    )
    findings += await _on_server(session, plan)
    if refusing(findings):
        raise refusal(source, session.address, findings)
    return replace(plan, findings=tuple(findings))


def _server_findings(facts: ServerFacts) -> list[Finding]:
    findings = []
    if facts.major < OLDEST:
        text = f"the server is PostgreSQL {facts.version}; {OLDEST} is the oldest that works"
        findings.append(Finding("old-server", text, "Upgrade it."))
    if facts.in_recovery or facts.read_only:
        findings.append(Finding("read-only", "the server is a standby or read-only", "Connect to the primary."))
    return findings


def _expressions(settings: TargetSettings) -> list[Finding]:
    texts = expressions(settings.assignments, settings.where)
    return other_rows(
        (what, [token.text.upper() for token in tokenize(text, what) if token.kind is TokenKind.WORD])
        for what, text in texts
    )


async def _hanging_on(session: Session, facts: ServerFacts, source: TableName) -> list[Finding]:
    rows = await session.query(_HANGS_ON, [quote.table(source)], doing=_DOING)
    triggers, rules, children, creates = rows[0]
    findings = []
    if triggers:
        text = f"triggers of {source} run for what is updated, as for any UPDATE ({', '.join(triggers)})"
        findings.append(Finding("triggers", text, severity=Severity.WARN))
    if rules:
        text = (
            f"rules of {source} rewrite every UPDATE ({', '.join(rules)}), so nobody can tell what becomes of a chunk"
        )
        findings.append(Finding("rules", text, "Drop them first, or make triggers of them."))
    if children:
        text = f"{', '.join(children)} inherits from {source}, and its rows have keys of their own"
        findings.append(Finding("inherited", text, "Backfill each table by itself, after ALTER TABLE … NO INHERIT."))
    if not creates:
        text = f"{facts.user} has no CREATE on the database {facts.database} (for the ledger's schema)"
        way_out = f'GRANT CREATE ON DATABASE "{facts.database}" TO "{facts.user}";'
        findings.append(Finding("missing-privilege", text, way_out))
    return findings


async def _name_in_the_way(session: Session, schema: str) -> list[Finding]:
    comment = await session.query(
        "SELECT coalesce(obj_description(oid, 'pg_namespace'), '') FROM pg_namespace WHERE nspname = %s",
        [schema],
        doing="looking for a schema",
    )
    if not comment or str(comment[0][0]).startswith(MADE_BY_US):
        return []
    return [Finding("name-taken", f"the schema {schema} is there, and is none of ghostpy's", "Rename or drop it.")]


async def _on_server(session: Session, plan: Plan) -> list[Finding]:
    """Let the server read the statement of a chunk: it plans it, looks at privileges, and runs nothing, not even triggers."""
    sql = f"EXPLAIN {UpdateStatements(plan).update(KeyRange(None, None))}"
    try:
        await session.query(sql, doing="checking --set and --where")
    except (errors.ServerGone, errors.TransientError):
        raise
    except errors.MissingPrivilege as error:
        return [
            Finding(
                "missing-privilege", error.message, f"GRANT SELECT, UPDATE ON {quote.table(plan.source.name)} to it."
            )
        ]
    except errors.GhostpyError as error:
        text = f"the server refused --set or --where: {error.message}"
        return [Finding("bad-expression", text, "Correct the expression.")]
    return []
