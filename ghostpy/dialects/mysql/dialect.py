"""MySQL and Percona Server: the parts that the engine is made of, for one run."""

from __future__ import annotations

from datetime import datetime

from ghostpy.dialects.mysql.deferred_indexes import DeferredIndexes
from ghostpy.dialects.mysql.exchange import LockingExchange
from ghostpy.dialects.mysql.facts import ServerFacts, server_facts
from ghostpy.dialects.mysql.housekeeping import Housekeeper
from ghostpy.dialects.mysql.planner import Planner, Target, resolve_target
from ghostpy.dialects.mysql.rows import Resyncer, RowComparer, RowCopier
from ghostpy.dialects.mysql.session import SessionPool
from ghostpy.dialects.mysql.statements import Statements
from ghostpy.dialects.mysql.stream import BinlogStream
from ghostpy.model.plan import Plan
from ghostpy.protocols import Parts
from ghostpy.settings import MigrateSettings


class MySQLDialect:
    """Fulfils `Dialect`."""

    def __init__(self, settings: MigrateSettings) -> None:
        self._settings = settings
        self._connect = settings.connect
        self._target: Target = resolve_target(settings.target, started=datetime.now())
        self._facts: ServerFacts | None = None
        self._housekeeper = Housekeeper(
            self._connect, self._target.source, self._target.names, self._target.alter.clauses
        )
        self._pool = SessionPool(self._connect, purpose="rows", size=settings.copy.workers + 1)
        self._exchange: LockingExchange | None = None

    @property
    def address(self) -> str:
        return self._connect.address

    @property
    def housekeeping(self) -> Housekeeper:
        return self._housekeeper

    async def open(self) -> None:
        await self._housekeeper.open()
        self._facts = await server_facts(self._housekeeper.session)

    async def plan(self) -> Plan:
        assert self._facts is not None
        session, target = self._housekeeper.session, self._settings.target
        return await Planner(session, self._facts, self._target, target, execute=self._settings.execute).plan()

    def parts(self, plan: Plan) -> Parts:
        assert self._facts is not None
        deferred = DeferredIndexes(self._connect, self._facts, plan, self._settings.copy.defer_secondary_indexes)
        self._housekeeper.expect(plan.source, deferred)
        statements = Statements(plan, locking=not self._facts.reads_fenced, zone=self._facts.time_zone)
        comparer = RowComparer(self._pool, statements)
        self._exchange = LockingExchange(self._connect, statements)
        return Parts(
            stream=BinlogStream(
                self._connect,
                self._facts,
                source=plan.source.name,
                columns=plan.source.columns,
                key=plan.copy_key.source_columns,
                ledger=plan.names.ledger,
            ),
            copying=RowCopier(self._pool, statements),
            resyncing=Resyncer(self._pool, statements),
            comparing=comparer,
            exchanging=self._exchange,
            uncompared=comparer.pairing.uncompared,
        )

    async def close(self) -> None:
        if self._exchange is not None:
            await self._exchange.close()
        await self._pool.close()
        await self._housekeeper.close()
