"""MySQL and Percona Server: the parts that the engine is made of, for one run."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime

from msgspec.structs import replace

from ghostpy.dialects.mysql.data_looks import misfits
from ghostpy.dialects.mysql.deferred_indexes import DeferredIndexes
from ghostpy.dialects.mysql.exchange import LockingExchange
from ghostpy.dialects.mysql.facts import ServerFacts, server_facts
from ghostpy.dialects.mysql.housekeeping import Housekeeper, shape
from ghostpy.dialects.mysql.native_trial import native_trial
from ghostpy.dialects.mysql.planner import Planner, Target, resolve_target
from ghostpy.dialects.mysql.queued_exchange import QueuedExchange
from ghostpy.dialects.mysql.rows import Resyncer, RowComparer, RowCopier
from ghostpy.dialects.mysql.scratch import RowCount, SampleTable, sample_table
from ghostpy.dialects.mysql.session import SessionPool
from ghostpy.dialects.mysql.statements import Statements
from ghostpy.dialects.mysql.stream import BinlogStream
from ghostpy.dialects.mysql.topology import working_server
from ghostpy.dialects.mysql.trial_exchange import TrialExchange
from ghostpy.dialects.mysql.turned_housekeeping import TurnedHousekeeper
from ghostpy.dialects.mysql.turned_rows import TurnedResyncer
from ghostpy.dialects.mysql.turned_statements import TurnedStatements
from ghostpy.dialects.mysql.turning import first_turn, next_turn, plan_back
from ghostpy.dialects.mysql.vitals import ServerVitals
from ghostpy.model.checkpoint import Checkpoint
from ghostpy.model.finding import Finding
from ghostpy.model.plan import Plan, Strategy
from ghostpy.model.revertible import Revertible
from ghostpy.model.trial import Trial
from ghostpy.protocols import Parts
from ghostpy.settings import MigrateSettings


class MySQLDialect:
    """Fulfils `Dialect`."""

    def __init__(self, settings: MigrateSettings) -> None:
        self._settings = settings
        self._connect = settings.connect
        self._target: Target = resolve_target(
            settings.target, started=datetime.now(), altered=not settings.revert.wanted
        )
        self._facts: ServerFacts | None = None
        self._empty_seconds = 0.0
        """What the ALTER took on an empty clone."""
        self._count: RowCount | None = None
        self._vitals: ServerVitals | None = None
        self._attach()
        self._exchange: LockingExchange | None = None
        self._back: Revertible | None = None
        """The exchange that is being taken back."""

    @property
    def address(self) -> str:
        return self._connect.address

    @property
    def housekeeping(self) -> Housekeeper:
        return self._housekeeper

    @property
    def version(self) -> str:
        return self._facts.version if self._facts is not None else ""

    @property
    def vitals(self) -> ServerVitals:
        assert self._vitals is not None
        return self._vitals

    def _attach(self) -> None:
        """To the server that is worked on."""
        self._housekeeper: Housekeeper = Housekeeper(
            self._connect, self._target.source, self._target.names, self._target.alter.clauses
        )
        self._pool = SessionPool(self._connect, purpose="rows", size=self._settings.copy.workers + 1)

    async def open(self) -> None:
        found = await asyncio.to_thread(working_server, self._settings.connect, self._settings.topology)
        if found != self._connect:
            self._connect = found
            self._attach()
        await self._housekeeper.open()
        self._facts = self._housekeeper.facts = await server_facts(self._housekeeper.session)
        on_replica = bool(self._settings.topology.on_replica)
        self._vitals = ServerVitals(self._connect, self._facts, self._target.names.ledger, on_replica=on_replica)

    async def plan(self, earlier: Checkpoint | None = None) -> Plan:
        assert self._facts is not None
        session, target = self._housekeeper.session, self._settings.target
        if earlier is not None:
            self._target = replace(self._target, names=replace(self._target.names, old=earlier.old))
            self._housekeeper.call_old(earlier.old)
        planner = Planner(
            session,
            self._facts,
            self._target,
            target,
            self._settings.topology,
            execute=self._settings.execute,
            resuming=earlier is not None,
            revertible=self._settings.revert.possible,
            lock_timeout=self._settings.cut_over.lock_timeout,
        )
        plan = await planner.plan()
        self._empty_seconds = planner.empty_seconds
        self._count = RowCount(session, self._facts, plan.source.name)
        self._housekeeper.native, self._housekeeper.attempts = planner.native, self._settings.cut_over.attempts
        return plan

    async def misfits(self, plan: Plan) -> Sequence[Finding]:
        assert self._facts is not None
        if plan.strategy is not Strategy.SHADOW:
            return ()  # the server's own ALTER looks at the rows itself
        return await misfits(self._housekeeper.session, self._facts, plan)

    def scratch(self, plan: Plan) -> AbstractAsyncContextManager[SampleTable]:
        assert self._facts is not None
        assert self._count is not None
        return sample_table(self._housekeeper.session, self._facts, plan, self._settings, self._count)

    async def trial(self, plan: Plan, seconds: float) -> Trial | None:
        assert self._facts is not None
        assert self._count is not None
        keeper, alter = self._housekeeper, self._target.alter
        return await native_trial(
            keeper.session,
            self._facts,
            plan,
            alter,
            seconds=seconds,
            count=self._count,
            native=keeper.native,
            empty_seconds=self._empty_seconds,
        )

    def change(self, plan: Plan) -> Mapping[str, str]:
        target, topology = self._settings.target, self._settings.topology
        return {
            "the ALTER": plan.alter,
            "--transform": "; ".join(f"{column}={text}" for column, text in target.transforms),
            "--where": plan.where or "",
            "--skip-renamed-columns": str(target.skip_renamed_columns),
            "--migrate-on-replica": topology.on_replica,
            "the copy key": plan.copy_key.index,
            "the table's definition": hashlib.sha256(shape(plan.source).encode()).hexdigest(),
        }

    def parts(self, plan: Plan) -> Parts:
        assert self._facts is not None
        if self._back is not None:
            return self._parts_back(plan, self._back, self._facts)
        deferred = DeferredIndexes(self._connect, self._facts, plan, self._settings.copy.defer_secondary_indexes)
        self._housekeeper.expect(plan.source, deferred)
        statements = Statements(plan, locking=not self._facts.reads_fenced, zone=self._facts.time_zone)
        comparer = RowComparer(self._pool, statements)
        self._exchange = self._exchange_of(statements, self._facts)
        self._housekeeper.shadow_also = self._exchange.makes
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
            trial=self._settings.topology.on_replica == "test",
        )

    def revertible(self, plan: Plan) -> Revertible:
        assert self._exchange is not None
        if self._back is not None:
            return next_turn(self._back, exchange=self._exchange.text)
        return first_turn(plan, self._settings.target.transforms, exchange=self._exchange.text)

    async def turn(self, revertible: Revertible) -> Plan:
        assert self._facts is not None
        ledger = self._target.names.ledger
        plan = await plan_back(self._housekeeper.session, self._facts, revertible, ledger)
        if self._exchange is not None:
            await self._exchange.close()
        self._back = revertible
        self._housekeeper = TurnedHousekeeper(self._housekeeper, revertible)
        return plan

    def _parts_back(self, plan: Plan, revertible: Revertible, facts: ServerFacts) -> Parts:
        self._housekeeper.expect(plan.source, None)
        statements = TurnedStatements(plan, locking=not facts.reads_fenced, zone=facts.time_zone)
        comparer = RowComparer(self._pool, statements)
        self._exchange = self._exchange_of(statements, facts)
        return Parts(
            stream=BinlogStream(
                self._connect,
                facts,
                source=plan.source.name,
                columns=plan.source.columns,
                key=plan.copy_key.source_columns,
                ledger=plan.names.ledger,
                exchange=revertible.exchange,
            ),
            copying=RowCopier(self._pool, statements),
            resyncing=TurnedResyncer(self._pool, statements),
            comparing=comparer,
            exchanging=self._exchange,
            uncompared=comparer.pairing.uncompared,
        )

    def _exchange_of(self, statements: Statements, facts: ServerFacts) -> LockingExchange:
        topology = self._settings.topology
        if topology.on_replica == "test":
            return TrialExchange(self._connect, statements, stop=topology.stop_replica)
        exchange = LockingExchange if facts.renames_under_lock else QueuedExchange
        return exchange(self._connect, statements)

    async def close(self) -> None:
        if self._vitals is not None:
            await self._vitals.close()
        if self._exchange is not None:
            await self._exchange.close()
        await self._pool.close()
        await self._housekeeper.close()
