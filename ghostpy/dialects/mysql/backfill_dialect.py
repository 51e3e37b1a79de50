"""MySQL, Percona Server and MariaDB: the parts that a backfill is made of, for one run."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime

from msgspec.structs import replace

from ghostpy.dialects import backfill_text
from ghostpy.dialects.mysql import quote
from ghostpy.dialects.mysql.backfill_plan import backfill_plan, in_utc
from ghostpy.dialects.mysql.expansion_sql import FILLING
from ghostpy.dialects.mysql.facts import ServerFacts, server_facts
from ghostpy.dialects.mysql.housekeeping import Housekeeper
from ghostpy.dialects.mysql.planner import resolve_target
from ghostpy.dialects.mysql.row_updater import RowUpdater
from ghostpy.dialects.mysql.session import SessionPool
from ghostpy.dialects.mysql.topology import working_server
from ghostpy.dialects.mysql.update_statements import UpdateStatements
from ghostpy.dialects.mysql.vitals import ServerVitals
from ghostpy.model.names import backfill_names
from ghostpy.model.plan import Plan
from ghostpy.settings import MigrateSettings

# A lock that cannot be had is waited for as shortly as the server can, for we hold others meanwhile.
_WAITS = "SET SESSION innodb_lock_wait_timeout = 1, lock_wait_timeout = 2"
_FILLING = f"SET {FILLING} = 1"
_ZONE = "SET SESSION time_zone = @@GLOBAL.time_zone"


class MySQLBackfill:
    """Fulfils `BackfillDialect`."""

    def __init__(self, settings: MigrateSettings) -> None:
        self._settings = settings
        self._connect = settings.connect
        target = resolve_target(settings.target, started=datetime.now(), altered=False)
        self._source = target.source
        self._names = backfill_names(target.names, self._source, quote.NAME_LIMIT, settings.target.force_table_names)
        self._facts: ServerFacts | None = None
        self._vitals: ServerVitals | None = None
        self._updater: RowUpdater | None = None
        self._attach()

    @property
    def address(self) -> str:
        return self._connect.address

    @property
    def version(self) -> str:
        return self._facts.version if self._facts is not None else ""

    @property
    def activity(self) -> Housekeeper:
        return self._housekeeper

    @property
    def vitals(self) -> ServerVitals:
        assert self._vitals is not None
        return self._vitals

    @property
    def updating(self) -> RowUpdater:
        assert self._updater is not None
        return self._updater

    def _attach(self) -> None:
        """To the server that is worked on."""
        self._housekeeper = Housekeeper(self._connect, self._source, self._names, "")
        self._pool = SessionPool(self._connect, purpose="rows", size=1, setup=self._setup)

    @property
    def _setup(self) -> tuple[str, ...]:
        return (_WAITS, _FILLING) if self._settings.expand.filling else (_WAITS,)

    async def open(self) -> None:
        found = await asyncio.to_thread(working_server, self._settings.connect, self._settings.topology)
        if found != self._connect:
            self._connect = found
            self._attach()
        await self._housekeeper.open()
        self._facts = facts = self._housekeeper.facts = await server_facts(self._housekeeper.session)
        self._vitals = ServerVitals(self._connect, facts, self._names.ledger, on_replica=False, followed=False)
        nowait = facts.numbers >= ((10, 3, 0) if facts.flavour == "mariadb" else (8, 0, 1))
        self._updater = RowUpdater(self._pool, self._source, self._names.ledger, nowait=nowait)

    async def lock_run(self) -> None:
        await self._housekeeper.lock_run()

    async def plan(self) -> Plan:
        assert self._facts is not None
        plan = await backfill_plan(
            self._housekeeper.session, self._facts, self._source, self._names, self._settings.target
        )
        if not in_utc(plan.copy_key):
            await self._pool.close()
            self._pool = SessionPool(self._connect, purpose="rows", size=1, setup=(*self._setup, _ZONE))
        self.updating.expect(UpdateStatements(plan), self._pool)
        estimate = await self._housekeeper.estimate_rows()
        return replace(plan, source=replace(plan.source, row_estimate=estimate))

    def change(self, plan: Plan) -> Mapping[str, str]:
        return backfill_text.change(plan)

    async def count_rows(self) -> int:
        return await self._housekeeper.count_rows()

    async def definition(self) -> str:
        return await self._housekeeper.definition()

    async def close(self) -> None:
        if self._vitals is not None:
            await self._vitals.close()
        await self._pool.close()
        await self._housekeeper.close()
