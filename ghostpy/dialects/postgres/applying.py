"""PostgreSQL: what the server does for a script."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ghostpy import errors
from ghostpy.dialects import script_text
from ghostpy.dialects.expansion_walk import in_turns
from ghostpy.dialects.postgres import quote, script_ledger
from ghostpy.dialects.postgres.definition import definition_of
from ghostpy.dialects.postgres.session import LONGEST_WAIT, Session
from ghostpy.dialects.postgres.target import split_name
from ghostpy.model.finding import Finding
from ghostpy.model.names import TableName
from ghostpy.model.script import Kind, Note, Script, Seen, Statement, TableStanding
from ghostpy.preflight.refusal import refusal
from ghostpy.settings import MigrateSettings, TargetSettings

# As a client's session is, where ours have settings of their own.
_AS_CLIENTS = {"check_function_bodies": "on", "row_security": "on", "synchronous_commit": "on"}
_LOOKING = "looking at a table"
_TABLE = """
SELECT n.nspname, c.relname, c.relkind::text, pg_catalog.pg_total_relation_size(c.oid)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = {oid}
"""
_BY_NAME = "pg_catalog.to_regclass(%s)"
_BY_INDEX = "(SELECT i.indrelid FROM pg_catalog.pg_index i WHERE i.indexrelid = pg_catalog.to_regclass(%s))"
_TUPLES = "SELECT c.reltuples FROM pg_catalog.pg_class c WHERE c.oid = pg_catalog.to_regclass(%s)"


class PostgresApplying:
    """Fulfils `Applying`."""

    def __init__(self, settings: MigrateSettings) -> None:
        self._settings = settings
        self._session = Session(settings.connect, purpose="apply")
        self._set: list[str] = []
        self._version = ""

    @property
    def address(self) -> str:
        return self._settings.connect.address

    @property
    def version(self) -> str:
        return self._version

    @property
    def transactional(self) -> bool:
        return True

    async def open(self) -> None:
        await self._session.open(options=_AS_CLIENTS)
        self._version = str(await self._session.scalar("SHOW server_version", doing="asking for the version"))

    async def close(self) -> None:
        if self._session.is_open:
            # The same command may be run at once, and the server takes its time to end a session.
            with contextlib.suppress(errors.GhostpyError):
                await self._session.query("SELECT pg_catalog.pg_advisory_unlock_all()", doing="giving up the lock")
        await self._session.close()

    async def lock_run(self) -> None:
        got = await self._session.scalar(
            f"SELECT pg_catalog.pg_try_advisory_lock({script_ledger.LOCK})", doing="taking the lock"
        )
        if not got:
            text = f"another `ghostpy apply` is at work in this database on {self.address}: it holds the lock; nothing was changed"
            raise errors.AlreadyRunning(text)

    async def recovered(self) -> None:
        try:
            await self._session.query("SELECT 1", doing="looking after the session")
            return
        except errors.ServerGone:
            await self._session.open(options=_AS_CLIENTS)
        await self.lock_run()
        for text in self._set:
            await self._do(text, "setting the session up")

    async def against(self, script: Script) -> Sequence[Finding]:
        return ()

    # --- the ledger --------------------------------------------------------------------------------------------------

    async def notes(self, script: str) -> Sequence[Note]:
        if await self._comment() != script_ledger.COMMENT:
            return ()
        rows = await self._session.query(script_ledger.read(script), doing="reading the ledger")
        return tuple(script_text.note_of(row) for row in rows)

    async def create_ledger(self) -> None:
        comment = await self._comment()
        if comment is None:
            async with self._session.transaction(doing="creating the ledger"):
                await self._do(script_ledger.CREATE, "creating the ledger")
        elif comment != script_ledger.COMMENT:
            text = f"the schema {script_ledger.TABLE.schema} is there, and is no ledger of ghostpy's"
            raise refusal(script_ledger.TABLE, self.address, [Finding("name-taken", text, "Rename or drop it.")])

    async def note(self, script: str, note: Note) -> None:
        await self._do(script_ledger.write(script, note), "writing the ledger")

    async def withdraw(self, script: str, number: int) -> None:
        await self._do(script_ledger.remove(script, number), "writing the ledger")

    async def _comment(self) -> str | None:
        rows = await self._session.query(script_ledger.OURS, [script_ledger.TABLE.schema], doing="looking for a ledger")
        return str(rows[0][0] or "") if rows else None

    # --- questions ---------------------------------------------------------------------------------------------------

    async def standing(self, statement: Statement) -> TableStanding:
        name, by = (statement.index, _BY_INDEX) if statement.index else (statement.table, _BY_NAME)
        if not name:
            return TableStanding()
        rows = await self._session.query(_TABLE.format(oid=by), [_dotted(name)], doing=_LOOKING)
        if not rows:
            return TableStanding()
        schema, table, kind, size = rows[0]
        found = TableName(str(schema), str(table))
        if kind not in ("r", "p") or statement.kind is Kind.ROWS:
            return TableStanding(found)
        few = await self._counted(found) <= self._settings.script.small_rows
        return TableStanding(found, few and int(size) <= script_text.SMALL_BYTES)

    async def rows_read(self, statement: Statement) -> int:
        plan = await self._session.scalar(
            f"EXPLAIN (FORMAT JSON, VERBOSE) {statement.text}", doing=f"explaining {statement.told}"
        )
        most = 0.0
        for node in _nodes(plan[0]["Plan"]):
            rows = float(node.get("Plan Rows", 0))
            if "Relation Name" in node:
                # Of a table that was never looked through the server only guesses.
                there = await self._counted(TableName(str(node.get("Schema", "")), str(node["Relation Name"])))
                most = max(most, there if node.get("Node Type") == "Seq Scan" else min(rows, there))
            elif not node.get("Plans"):
                most = max(most, rows)
        return int(most)

    async def _counted(self, table: TableName) -> int:
        """Its rows, or what the server expects where that is more than is asked about."""
        limit = self._settings.script.small_rows + 1
        text = f"SELECT count(*) FROM (SELECT FROM {quote.table(table)} LIMIT {limit}) AS few"
        count = int(await self._session.scalar(text, doing=_LOOKING))
        if count < limit:
            return count
        return max(limit, int(await self._session.scalar(_TUPLES, [quote.table(table)], doing=_LOOKING) or 0))

    async def evidence(self, statement: Statement) -> str:
        standing = await self.standing(statement)
        named = [f"{quote.table(standing.table)}"] if standing.table else []
        return script_text.evidence_text({name: await self._digest(name) for name in named})

    async def seen(self, evidence: str, *, vanishes: bool) -> Seen:
        before = script_text.evidence_read(evidence)
        now = {name: await self._digest(name) for name in before}
        return script_text.seen_by(before, now, vanishes=vanishes)

    async def _digest(self, named: str) -> str:
        schema, table = split_name(named)
        text = await definition_of(self._session, TableName(schema or "", table))
        return hashlib.sha256(text.encode()).hexdigest() if text else ""

    # --- what is done ------------------------------------------------------------------------------------------------

    async def session(self, statement: Statement) -> None:
        await self._do(statement.text, f"running {statement.told}")
        self._set.append(statement.text)

    async def together(self, script: str, statements: Sequence[Statement], notes: Sequence[Note]) -> None:
        async def attempt() -> None:
            async with self._session.transaction():
                await self._do(f"SET LOCAL lock_timeout = {int(self._patience * 1000)}", "setting a time limit")
                for statement in statements:
                    await self._do(statement.text, f"running {statement.told}")
                for note in notes:
                    await self.note(script, note)

        await in_turns(self._settings.cut_over.attempts, self._patience, attempt)

    async def direct(self, statement: Statement) -> None:
        async def attempt() -> None:
            await self._do(f"SET lock_timeout = {int(self._patience * 1000)}", "setting a time limit")
            try:
                await self._do(statement.text, f"running {statement.told}")
            finally:
                if self._session.is_open:
                    await self._do("SET lock_timeout = 0", "setting a time limit")

        await in_turns(self._settings.cut_over.attempts, self._patience, attempt)

    @property
    def _patience(self) -> float:
        return min(float(self._settings.cut_over.lock_timeout), LONGEST_WAIT)

    async def _do(self, sql: str, doing: str) -> None:
        await self._session.execute(sql, doing=doing)

    def target(self, table: TableName) -> TargetSettings:
        return TargetSettings(database=self._settings.target.database, table=quote.table(table))


def _dotted(name: Sequence[str]) -> str:
    return ".".join(quote.name(part) for part in name if part)


def _nodes(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from _nodes(below)
