"""May this table be updated like this, and along which key? Nothing is changed to find out."""

from __future__ import annotations

import re

from msgspec.structs import replace

from ghostpy import errors
from ghostpy.dialects.mysql import quote
from ghostpy.dialects.mysql.earlier_run import BACKFILL_COMMENT
from ghostpy.dialects.mysql.facts import ServerFacts
from ghostpy.dialects.mysql.inspect import describe
from ghostpy.dialects.mysql.key_codec import fits_key
from ghostpy.dialects.mysql.privileges import FOR_BACKFILL, granted, missing_privileges, privilege_findings
from ghostpy.dialects.mysql.server_checks import ENGINES
from ghostpy.dialects.mysql.session import Session
from ghostpy.dialects.mysql.update_statements import UpdateStatements
from ghostpy.model.column_map import CopyKey
from ghostpy.model.finding import Finding, Severity
from ghostpy.model.keys import KeyRange
from ghostpy.model.names import HelperNames, TableName
from ghostpy.model.plan import Plan
from ghostpy.model.table import Column, Table
from ghostpy.planning.backfill import (
    assembled,
    assignment_findings,
    backfill_key,
    expressions,
    other_rows,
    set_columns,
)
from ghostpy.planning.sql_tokens import TokenKind, tokenize
from ghostpy.preflight.refusal import refusal, refusing
from ghostpy.preflight.source import source_findings
from ghostpy.settings import TargetSettings

_ON_UPDATE = re.compile(r"^\s*`((?:[^`]|``)+)`.* ON UPDATE ", re.MULTILINE | re.IGNORECASE)


async def backfill_plan(
    session: Session, facts: ServerFacts, source: TableName, names: HelperNames, settings: TargetSettings
) -> Plan:
    """The plan. Raises PlanRefused with all findings, or MissingPrivilege where only privileges are missing."""
    address = session.settings.address
    grants = await granted(session)
    mariadb = facts.flavour == "mariadb" and facts.numbers >= (10, 5, 2)
    missing = missing_privileges(grants, source.schema, mariadb=mariadb, on_tables=FOR_BACKFILL)
    findings = privilege_findings(missing, source)
    findings += _server_findings(facts)
    findings += _expressions(settings)
    table = await describe(session, source)
    if table is None:
        if not findings:
            findings.append(Finding("no-such-table", f"there is no table {source}", "Check --database and --table."))
        raise refusal(source, address, findings)
    kind = source_findings(table, engines=ENGINES)
    if kind:
        raise refusal(source, address, [*findings, *kind])
    findings += assignment_findings(table, settings.assignments, spelled=str.casefold)
    set_ = set_columns(table, settings.assignments, spelled=str.casefold)
    key, against = backfill_key(table, set_, fits=fits_key)
    findings += against
    findings += await _name_in_the_way(session, names.ledger)
    if key is None or refusing(findings):
        raise refusal(source, address, findings)
    plan = assembled(
        table,
        key,
        set_,
        names,
        settings,
        quoted=quote.table(table.name),
        update=lambda plan, chunk: UpdateStatements(plan).update(chunk),
    )
    findings += _warnings(table, key, set_, settings)
    findings += await _on_server(session, plan)
    if refusing(findings):
        raise refusal(source, address, findings)
    return replace(plan, findings=tuple(findings))


def _server_findings(facts: ServerFacts) -> list[Finding]:
    findings = []
    if facts.read_only:
        findings.append(Finding("read-only", "the server is read-only (a replica?)", "Connect to the primary."))
    if facts.log_bin and facts.binlog_format == "STATEMENT":
        # At READ COMMITTED, which keeps chunks from locking gaps, InnoDB refuses such a log altogether (error 1665).
        text = "the binary log holds statements (binlog_format=STATEMENT): a replica would evaluate the expressions anew, and may come to other values"
        way_out = "SET GLOBAL binlog_format = 'ROW' (or MIXED), then run the same command again."
        findings.append(Finding("binlog-format", text, way_out))
    return findings


def _expressions(settings: TargetSettings) -> list[Finding]:
    texts = [(what, tokenize(text, what)) for what, text in expressions(settings.assignments, settings.where)]
    words = [(what, [t.text.upper() for t in tokens if t.kind is TokenKind.WORD]) for what, tokens in texts]
    return other_rows(words) + [
        Finding(
            "uses-variable",
            f"{what} uses a variable, whose value depends on how the rows fall into chunks",
            "Use the row's own columns.",
        )
        for what, tokens in texts
        if any(token.text == "@" for token in tokens)
    ]


async def _name_in_the_way(session: Session, ledger: TableName) -> list[Finding]:
    rows = await session.query(
        f"SELECT TABLE_COMMENT FROM information_schema.TABLES WHERE TABLE_SCHEMA = {quote.text(ledger.schema)} "
        f"AND TABLE_NAME = {quote.text(ledger.table)}",
        doing="looking for a ledger",
    )
    if not rows or str(rows[0][0]) == BACKFILL_COMMENT:
        return []
    return [Finding("name-taken", f"the table {ledger} is there, and is no ledger of ghostpy's", "Rename or drop it.")]


def _warnings(table: Table, key: CopyKey, set_: list[Column], settings: TargetSettings) -> list[Finding]:
    names = {column.name for column in set_}
    findings = []
    if table.triggers:
        text = f"triggers of {table.name} run for each row that is updated, as for any UPDATE ({', '.join(table.triggers)})"
        findings.append(Finding("triggers", text, severity=Severity.WARN))
    moved = [name.replace("``", "`") for name in _ON_UPDATE.findall(table.create_sql)]
    for name in [name for name in moved if name not in names]:
        findings.append(
            Finding(
                "on-update",
                f"{name} becomes the time of the backfill in each row that it changes, as by any UPDATE",
                f'To leave it as it is: --set "{name} = {name}".',
                Severity.WARN,
            )
        )
    if in_utc(key):
        text = f"the key {key.index} holds a TIMESTAMP, so the expressions see times in UTC"
        findings.append(Finding("times-in-utc", text, severity=Severity.WARN))
    before: set[str] = set()
    for column, expression in settings.assignments:
        words = {
            (token.name or "").casefold()
            for token in tokenize(expression, "--set")
            if token.kind in (TokenKind.WORD, TokenKind.QUOTED)
        }
        for other in sorted(words & before):
            text = f"--set {column} uses {other}, which is set before it: it sees the new value, as in any UPDATE of this server"
            findings.append(
                Finding("sees-new-value", text, "Put it first, if it is to see the old one.", Severity.WARN)
            )
        before.add(column.casefold())
    return findings


def in_utc(key: CopyKey) -> bool:
    """Whether sessions must keep to UTC: a zone with two hours of the same name would give two keys one literal."""
    return any(column.data_type == "timestamp" for column in key.source_columns)


async def _on_server(session: Session, plan: Plan) -> list[Finding]:
    """Let the server read the statement of a chunk."""
    sql = f"EXPLAIN {UpdateStatements(plan).update(KeyRange(None, None))}"
    try:
        await session.query(sql, doing="checking --set and --where")
    except (errors.ServerGone, errors.TransientError):
        raise
    except errors.MissingPrivilege as error:
        return [Finding("missing-privilege", error.message)]
    except errors.GhostpyError as error:
        text = f"the server refused --set or --where: {error.message}"
        return [Finding("bad-expression", text, "Correct the expression.")]
    return []
