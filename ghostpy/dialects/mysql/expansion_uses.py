"""Does anybody use the old columns still? Definitions, statements that the server has seen, and writes that the triggers have noted."""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct, field

from ghostpy import errors
from ghostpy.dialects.mysql import expansion_sql, quote
from ghostpy.dialects.mysql.inspect import describe
from ghostpy.dialects.mysql.session import Row, Session
from ghostpy.model.expansion import Expansion
from ghostpy.model.finding import Finding
from ghostpy.model.names import TRIGGER_WORD, TableName
from ghostpy.planning.expansion_uses import lies_in, statement_findings, unproven, used_by, written_still

_DOING = "looking for users of the old columns"
_TEXTS = (
    ("view", "SELECT TABLE_SCHEMA, TABLE_NAME, VIEW_DEFINITION FROM information_schema.VIEWS WHERE {rest}", "TABLE_SCHEMA"),
    ("routine", "SELECT ROUTINE_SCHEMA, ROUTINE_NAME, ROUTINE_DEFINITION FROM information_schema.ROUTINES WHERE {rest}", "ROUTINE_SCHEMA"),
    ("trigger", "SELECT TRIGGER_SCHEMA, TRIGGER_NAME, CONCAT(EVENT_OBJECT_TABLE, ' ', ACTION_STATEMENT) FROM information_schema.TRIGGERS WHERE {rest}", "TRIGGER_SCHEMA"),
    ("event", "SELECT EVENT_SCHEMA, EVENT_NAME, EVENT_DEFINITION FROM information_schema.EVENTS WHERE {rest}", "EVENT_SCHEMA"),
)  # fmt: skip
_DIGESTS = (
    "SELECT DIGEST, DIGEST_TEXT, COUNT_STAR FROM performance_schema.events_statements_summary_by_digest "
    "WHERE DIGEST_TEXT IS NOT NULL AND (SCHEMA_NAME = {schema} OR DIGEST_TEXT LIKE {table})"
)


# "Statement Summary Tables": once the table is full, all further statements count in one row without a digest.
_UNSEEN = "SELECT COALESCE(SUM(COUNT_STAR), 0) FROM performance_schema.events_statements_summary_by_digest WHERE DIGEST IS NULL"


class Mark(Struct, frozen=True):
    """What was seen at one moment: its second, that of the last noted write, and how often each statement had run; None: not to be had."""

    second: int
    written: int
    statements: Mapping[str, int] | None
    texts: Mapping[str, str] = field(default_factory=dict)
    unseen: int = 0
    """How many statements have run whose text the server had no room for."""


class ExpansionUses:
    """Fulfils `Uses`."""

    def __init__(self, session: Session, expansion: Expansion, ledger: TableName) -> None:
        self._session = session
        self._expansion = expansion
        self._source = expansion.source
        self._ledger = ledger
        self._old = [column.name for column in expansion.old]

    async def definitions(self) -> list[Finding]:
        findings = await self._of_table()
        for kind, question, schema in _TEXTS:
            rest = f"{schema} NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema')"
            for of, name, text in await self._session.query(question.format(rest=rest), doing=_DOING):
                if TRIGGER_WORD in str(name):
                    continue
                # Its text is hidden from who may not see it.
                for column in lies_in(str(text or ""), self._source.table, self._old, fold=True):
                    findings.append(used_by(self._source, column, f"{kind} {of}.{name}"))
        return findings

    async def _of_table(self) -> list[Finding]:
        table = await describe(self._session, self._source)
        if table is None:
            return []
        findings = []
        for column in table.columns:
            for name in lies_in(column.expression or "", "", self._old, fold=True):
                findings.append(used_by(self._source, name, f"generated column {column.name}"))
        for index in table.indexes:
            parts = [part.column or "" for part in index.parts]
            texts = " ".join(part.expression or "" for part in index.parts)
            mine = [name for name in self._old if name in parts] + lies_in(texts, "", self._old, fold=True)
            if mine and (texts or any(part not in self._old for part in parts)):
                findings.append(used_by(self._source, mine[0], f"index {index.name}, which has other columns, too"))
        for line in table.create_sql.splitlines():
            if re.match(r"\s*CONSTRAINT .*(CHECK|FOREIGN KEY)", line):
                name = line.split("`")[1]
                held = [each for each in self._old if quote.name(each) in line.split(") REFERENCES")[0]]
                findings += [used_by(self._source, each, f"constraint {name}") for each in held]
        of = f"REFERENCED_TABLE_SCHEMA = {quote.text(self._source.schema)} AND REFERENCED_TABLE_NAME = {quote.text(self._source.table)}"
        for schema, child, name, column in await self._session.query(
            "SELECT TABLE_SCHEMA, TABLE_NAME, CONSTRAINT_NAME, REFERENCED_COLUMN_NAME FROM information_schema.KEY_COLUMN_USAGE "
            f"WHERE {of}",
            doing=_DOING,
        ):
            if column in self._old:
                findings.append(used_by(self._source, str(column), f"foreign key {name} of {schema}.{child}"))
        return findings

    async def mark(self) -> Mark:
        [(written, second)] = await self._session.query(expansion_sql.last_noted(self._ledger), doing=_DOING)
        noted = int(second), int(written)
        rows = await self._digests()
        if rows is None:
            return Mark(*noted, None)
        counts: dict[str, int] = {}
        for digest, _, count in rows:
            counts[str(digest)] = counts.get(str(digest), 0) + int(count)
        unseen = int(await self._session.scalar(_UNSEEN, doing=_DOING))
        return Mark(*noted, counts, {str(digest): str(text) for digest, text, _ in rows}, unseen)

    async def _digests(self) -> list[Row] | None:
        try:
            consumer = await self._session.scalar(
                "SELECT ENABLED FROM performance_schema.setup_consumers WHERE NAME = 'statements_digest'", doing=_DOING
            )
            if consumer != "YES" or int(await self._session.scalar("SELECT @@performance_schema", doing=_DOING)) != 1:
                return None
            return await self._session.query(
                _DIGESTS.format(schema=quote.text(self._source.schema), table=quote.text(f"%`{self._source.schema}`%")),
                doing=_DOING,
            )
        except (errors.MissingPrivilege, errors.ServerError):
            return None

    async def since(self, before: Mark) -> list[Finding]:
        now = await self.mark()
        findings = []
        # Writes are noted by seconds: one in that of the mark may have come behind it.
        if now.written >= before.second:
            findings.append(written_still(self._source, self._old))
        if now.statements is None or before.statements is None:
            why = "statement digests are not to be had from the server (performance_schema)"
            return [*findings, unproven(self._source, why)]
        if now.unseen > before.unseen:
            why = "the table of digests is full (performance_schema_digests_size; TRUNCATE performance_schema.events_statements_summary_by_digest makes room)"
            findings.append(unproven(self._source, why))
        ran = [now.texts[d] for d, count in now.statements.items() if count > before.statements.get(d, 0)]
        return findings + statement_findings(self._source, self._old, ran, fold=True)
