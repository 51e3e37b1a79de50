"""MySQL, Percona Server and MariaDB: what the server does for a script."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import re
from collections.abc import Sequence
from functools import partial

from ghostpy import errors
from ghostpy.dialects import script_text
from ghostpy.dialects.expansion_walk import in_turns
from ghostpy.dialects.mysql import quote, script_ledger
from ghostpy.dialects.mysql.session import Session
from ghostpy.dialects.mysql.topology import working_server
from ghostpy.model.finding import Finding
from ghostpy.model.names import TableName
from ghostpy.model.script import Kind, Note, Script, Seen, Statement, TableStanding
from ghostpy.preflight.refusal import refusal
from ghostpy.settings import MigrateSettings, TargetSettings

# As a client's session is, where ours have modes and a time zone of their own.
_AS_CLIENTS = "SET SESSION sql_mode = @@GLOBAL.sql_mode, time_zone = @@GLOBAL.time_zone"
_TRANSACTIONAL = ("INNODB", "NDBCLUSTER", "ROCKSDB", "TOKUDB")
_LOOKING = "looking at a table"


class MySQLApplying:
    """Fulfils `Applying`."""

    def __init__(self, settings: MigrateSettings) -> None:
        self._settings = settings
        self._connect = settings.connect
        self._database = settings.target.database
        self._ledger = script_ledger.ledger_of(self._database)
        self._session = self._made()
        self._set: list[str] = []
        self._locked = False
        self._version = ""

    def _made(self) -> Session:
        return Session(self._connect, purpose="apply", setup=(_AS_CLIENTS, f"USE {quote.name(self._database)}"))

    @property
    def address(self) -> str:
        return self._connect.address

    @property
    def version(self) -> str:
        return self._version

    @property
    def transactional(self) -> bool:
        return False

    async def open(self) -> None:
        found = await asyncio.to_thread(working_server, self._settings.connect, self._settings.topology)
        if found != self._connect:
            self._connect = found
            self._session = self._made()
        await self._session.open()
        self._version = str(await self._session.scalar("SELECT VERSION()", doing="asking for the version"))

    async def close(self) -> None:
        if self._locked and self._session.usable:
            # The same command may be run at once, and the server takes its time to end a session.
            with contextlib.suppress(errors.GhostpyError):
                await self._session.query(
                    f"SELECT RELEASE_LOCK('{await self._lock_name()}')", doing="giving up the lock"
                )
        await self._session.close()

    async def _lock_name(self) -> str:
        folds = await self._session.scalar("SELECT @@lower_case_table_names", doing="asking for a setting")
        return script_ledger.lock_name(self._database, folds=bool(int(folds or 0)))

    async def lock_run(self) -> None:
        got = await self._session.scalar(f"SELECT GET_LOCK('{await self._lock_name()}', 0)", doing="taking the lock")
        if got != 1:
            text = f"another `ghostpy apply` is at work in {self._database} on {self.address}: it holds the lock; nothing was changed"
            raise errors.AlreadyRunning(text)
        self._locked = True

    async def recovered(self) -> None:
        try:
            await self._session.query("SELECT 1", doing="looking after the session")
            return
        except errors.ServerGone:
            await self._session.renew()
        self._locked = False
        await self.lock_run()
        for text in self._set:
            await self._do(text, "setting the session up")

    async def against(self, script: Script) -> Sequence[Finding]:
        modes = str(await self._session.scalar("SELECT @@SESSION.sql_mode", doing="asking for the sql_mode"))
        risky = [each for each in script.statements if "\\" in each.text]
        if risky and ("NO_BACKSLASH_ESCAPES" in modes or "ANSI_QUOTES" in modes):
            text = f"the server's sql_mode ({modes}) may read the backslashes in {risky[0].told} in another way than this script was read"
            return [Finding("sql-mode", text, "Write the texts in it without backslashes.")]
        return []

    # --- the ledger --------------------------------------------------------------------------------------------------

    async def notes(self, script: str) -> Sequence[Note]:
        if await self._comment() != script_ledger.COMMENT:
            return ()
        rows = await self._session.query(script_ledger.read(self._ledger, script), doing="reading the ledger")
        return tuple(script_text.note_of(row) for row in rows)

    async def create_ledger(self) -> None:
        if await self._comment() not in (None, script_ledger.COMMENT):
            text = f"the table {self._ledger} is there, and is no ledger of ghostpy's"
            raise refusal(self._ledger, self.address, [Finding("name-taken", text, "Rename or drop it.")])
        await self._do(script_ledger.create(self._ledger), "creating the ledger")

    async def note(self, script: str, note: Note) -> None:
        await self._do(script_ledger.write(self._ledger, script, note), "writing the ledger")

    async def withdraw(self, script: str, number: int) -> None:
        await self._do(script_ledger.remove(self._ledger, script, number), "writing the ledger")

    async def _comment(self) -> str | None:
        comment = await self._session.scalar(
            f"SELECT TABLE_COMMENT FROM information_schema.TABLES WHERE TABLE_SCHEMA = {quote.text(self._database)} "
            f"AND TABLE_NAME = {quote.text(self._ledger.table)}",
            doing="looking for a ledger",
        )
        return None if comment is None else str(comment)

    # --- questions ---------------------------------------------------------------------------------------------------

    async def standing(self, statement: Statement) -> TableStanding:
        if not statement.table:
            return TableStanding()
        rows = await self._session.query(
            "SELECT TABLE_NAME, TABLE_TYPE, ENGINE, DATA_LENGTH + INDEX_LENGTH FROM information_schema.TABLES "
            f"WHERE TABLE_SCHEMA = {quote.text(self._database)} AND TABLE_NAME = {quote.text(statement.table[-1])}",
            doing=_LOOKING,
        )
        if not rows:
            return TableStanding()
        name, kind, engine, size = rows[0]
        table = TableName(self._database, str(name))
        if kind != "BASE TABLE":
            return TableStanding(table)
        transactional = str(engine or "").upper() in _TRANSACTIONAL
        if statement.kind is Kind.ROWS:
            return TableStanding(table, transactional=transactional)
        limit = self._settings.script.small_rows + 1
        count = await self._session.scalar(
            f"SELECT COUNT(*) FROM (SELECT 1 FROM {quote.table(table)} LIMIT {limit}) AS few", doing=_LOOKING
        )
        return TableStanding(table, int(count) < limit and int(size or 0) <= script_text.SMALL_BYTES, transactional)

    async def rows_read(self, statement: Statement) -> int:
        # Newer servers may be set to answer with a tree; MariaDB knows no other form.
        explain = "EXPLAIN" if self._session.mariadb else "EXPLAIN FORMAT=TRADITIONAL"
        columns, rows = await self._session.described(
            f"{explain} {statement.text}", doing=f"explaining {statement.told}"
        )
        place = [column.lower() for column in columns].index("rows")
        return max((int(row[place] or 0) for row in rows), default=0)

    async def evidence(self, statement: Statement) -> str:
        named = {f"{each.kind} {each.name[-1]}" for each in statement.concerns}
        return script_text.evidence_text({name: await self._digest(name) for name in named})

    async def seen(self, evidence: str, *, vanishes: bool) -> Seen:
        before = script_text.evidence_read(evidence)
        now = {name: await self._digest(name) for name in before}
        return script_text.seen_by(before, now, vanishes=vanishes)

    async def _digest(self, named: str) -> str:
        kind, _, name = named.partition(" ")
        full = quote.table(TableName(self._database, name))
        try:
            rows = await self._session.query(f"SHOW CREATE {kind} {full}", doing=f"looking at {name}")
        except (errors.TransientError, errors.DiskNearlyFull):
            raise
        except errors.ServerError:
            return ""  # there is none
        # The counter moves with every insert.
        text = re.sub(r" AUTO_INCREMENT=\d+", "", "\0".join(str(value) for value in rows[0]))
        return hashlib.sha256(text.encode()).hexdigest()

    # --- what is done ------------------------------------------------------------------------------------------------

    async def session(self, statement: Statement) -> None:
        await self._do(statement.text, f"running {statement.told}")
        self._set.append(statement.text)

    async def together(self, script: str, statements: Sequence[Statement], notes: Sequence[Note]) -> None:
        async def attempt() -> None:
            await self._do("START TRANSACTION", "beginning a transaction")
            try:
                for statement in statements:
                    await self._do(statement.text, f"running {statement.told}")
                for note in notes:
                    await self.note(script, note)
                await self._do("COMMIT", "committing")
            except errors.GhostpyError:
                if self._session.usable:
                    with contextlib.suppress(errors.GhostpyError):
                        await self._session.rollback()
                raise

        await in_turns(self._attempts, self._patience, attempt)

    async def direct(self, statement: Statement) -> None:
        await self._do(f"SET SESSION lock_wait_timeout = {self._patience}", "setting a time limit")
        work = partial(self._do, statement.text, f"running {statement.told}")
        await in_turns(self._attempts, self._patience, work)

    @property
    def _attempts(self) -> int:
        return self._settings.cut_over.attempts

    @property
    def _patience(self) -> int:
        return self._settings.cut_over.lock_timeout

    async def _do(self, sql: str, doing: str) -> None:
        await self._session.execute(sql, doing=doing)

    def target(self, table: TableName) -> TargetSettings:
        return TargetSettings(database=table.schema, table=table.table)
