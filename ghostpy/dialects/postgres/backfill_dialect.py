"""PostgreSQL: the parts that a backfill is made of, for one run."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from msgspec.structs import replace

from ghostpy.dialects import backfill_text
from ghostpy.dialects.postgres.backfill_plan import backfill_plan
from ghostpy.dialects.postgres.expansion_sql import FILLING
from ghostpy.dialects.postgres.facts import ServerFacts, server_facts
from ghostpy.dialects.postgres.housekeeping import Housekeeper
from ghostpy.dialects.postgres.names import backfill_ledger, helper_names
from ghostpy.dialects.postgres.row_updater import RowUpdater
from ghostpy.dialects.postgres.rows import POOL_SETTINGS
from ghostpy.dialects.postgres.session import SessionPool
from ghostpy.dialects.postgres.target import schema_of, split_name
from ghostpy.dialects.postgres.update_statements import UpdateStatements
from ghostpy.dialects.postgres.vitals import ServerVitals
from ghostpy.model.names import HelperNames, TableName
from ghostpy.model.plan import Plan
from ghostpy.settings import MigrateSettings

log = logging.getLogger("ghostpy.postgres")


class PostgresBackfill:
    """Fulfils `BackfillDialect`."""

    def __init__(self, settings: MigrateSettings) -> None:
        self._settings = settings
        self._connect = settings.connect
        self._asked = split_name(settings.target.table)
        self._housekeeper = Housekeeper(self._connect, settings.cut_over.attempts, log.info)
        options = {**POOL_SETTINGS, FILLING: "on"} if settings.expand.filling else POOL_SETTINGS
        self._pool = SessionPool(self._connect, purpose="rows", size=1, options=options)
        self._vitals = ServerVitals(self._connect)
        self._source = TableName("", "")
        self._names: HelperNames | None = None
        self._facts: ServerFacts | None = None
        self._updater: RowUpdater | None = None

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
        return self._vitals

    @property
    def updating(self) -> RowUpdater:
        assert self._updater is not None
        return self._updater

    async def open(self) -> None:
        await self._housekeeper.open()
        session = self._housekeeper.session
        self._facts = await server_facts(session)
        schema, table = self._asked
        self._source = TableName(schema or await schema_of(session, table), table)
        base = self._settings.target.force_table_names
        names = helper_names(self._source, base=base)
        # The lock looks into the ledger of a change for what that has to give back first.
        self._housekeeper.aim(self._source, names)
        self._names = replace(names, ledger=backfill_ledger(self._source, base))
        self._updater = RowUpdater(self._pool, self._source, self._names.ledger)

    async def lock_run(self) -> None:
        await self._housekeeper.lock_run()

    async def plan(self) -> Plan:
        assert self._facts is not None
        assert self._names is not None
        plan = await backfill_plan(
            self._housekeeper.session, self._facts, self._source, self._names, self._settings.target
        )
        self.updating.expect(UpdateStatements(plan))
        estimate = await self._estimated(plan)
        return replace(plan, source=replace(plan.source, row_estimate=estimate))

    async def _estimated(self, plan: Plan) -> int:
        if plan.source.kind == "PARTITIONED TABLE":
            return max(plan.source.row_estimate, 0)
        return await self._housekeeper.estimate_rows()

    def change(self, plan: Plan) -> Mapping[str, str]:
        return backfill_text.change(plan)

    async def count_rows(self) -> int:
        return await self._housekeeper.count_rows()

    async def definition(self) -> str:
        return await self._housekeeper.definition()

    async def close(self) -> None:
        await self._vitals.close()
        await self._pool.close()
        await self._housekeeper.close()
