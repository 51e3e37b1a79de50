"""PostgreSQL: the parts that the engine is made of, for one run."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime

from msgspec.structs import replace

from ghostpy.dialects.postgres.data_looks import misfits
from ghostpy.dialects.postgres.exchange import LockingExchange
from ghostpy.dialects.postgres.facts import ServerFacts, server_facts
from ghostpy.dialects.postgres.housekeeping import Housekeeper
from ghostpy.dialects.postgres.in_place.misfit_rows import found_against
from ghostpy.dialects.postgres.in_place.staged import LOCK_WAIT
from ghostpy.dialects.postgres.indexes import ShadowIndexes
from ghostpy.dialects.postgres.native_trial import rewrite_tried, steps_tried
from ghostpy.dialects.postgres.planner import Planner
from ghostpy.dialects.postgres.rows import POOL_SETTINGS, Resyncer, RowComparer, RowCopier
from ghostpy.dialects.postgres.scratch import SampleTable, sample_table
from ghostpy.dialects.postgres.session import SessionPool
from ghostpy.dialects.postgres.statements import Statements
from ghostpy.dialects.postgres.target import Target, asked_for, resolved
from ghostpy.dialects.postgres.turned_exchange import TurnedExchange
from ghostpy.dialects.postgres.turned_housekeeping import TurnedHousekeeper
from ghostpy.dialects.postgres.turned_rows import TurnedComparer, TurnedResyncer
from ghostpy.dialects.postgres.turned_statements import TurnedStatements
from ghostpy.dialects.postgres.turning import first_turn, next_turn, plan_back
from ghostpy.dialects.postgres.vitals import ServerVitals
from ghostpy.dialects.postgres.wal.stream import LogicalStream
from ghostpy.dialects.postgres.way_back import WayBack
from ghostpy.dialects.postgres.work import Work
from ghostpy.model.checkpoint import Checkpoint
from ghostpy.model.finding import Finding
from ghostpy.model.plan import Plan, Strategy
from ghostpy.model.revertible import Revertible
from ghostpy.model.trial import Trial
from ghostpy.protocols import Parts
from ghostpy.settings import MigrateSettings

log = logging.getLogger("ghostpy.postgres")


class PostgresDialect:
    """Fulfils `Dialect`."""

    def __init__(self, settings: MigrateSettings) -> None:
        self._settings = settings
        self._connect = settings.connect
        self._asked = asked_for(settings.target, altered=not settings.revert.wanted)
        self._started = datetime.now()
        self._housekeeper: Housekeeper = Housekeeper(self._connect, settings.cut_over.attempts, log.info)
        self._pool = SessionPool(self._connect, purpose="rows", size=settings.copy.workers + 1, options=POOL_SETTINGS)
        self._facts: ServerFacts | None = None
        self._target: Target | None = None
        self._work: Work | None = None
        self._exchange: LockingExchange | None = None
        self._back: Revertible | None = None
        """The exchange that is being taken back."""
        self._turned: TurnedStatements | None = None
        self._vitals = ServerVitals(self._connect)

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
        self._vitals.slot = self._housekeeper.registration
        return self._vitals

    async def open(self) -> None:
        await self._housekeeper.open()
        session = self._housekeeper.session
        self._facts = await server_facts(session)
        self._target = await resolved(session, self._asked, self._settings.target, started=self._started)
        self._housekeeper.aim(self._target.source, self._target.names)

    async def plan(self, earlier: Checkpoint | None = None) -> Plan:
        assert self._facts is not None
        assert self._target is not None
        if earlier is not None:
            self._target = replace(self._target, names=replace(self._target.names, old=earlier.old))
            self._housekeeper.call_old(earlier.old)
        if self._settings.execute:
            # Else a plan would take what a dead run left on the source for the user's.
            await self._housekeeper.remove_leftovers()
        planner = Planner(
            self._housekeeper.session,
            self._facts,
            self._target,
            self._settings.target,
            revertible=self._settings.revert.possible,
            lock_wait=min(self._settings.cut_over.lock_timeout, LOCK_WAIT),
        )
        plan, self._work = await planner.plan()
        indexes = None
        if plan.strategy is Strategy.SHADOW:
            altered, _ = self._work.by_shadow
            indexes = ShadowIndexes(
                Statements(plan), altered.indexes, plan.copy_key.shadow_index, altered.new_foreign_keys
            )
        self._housekeeper.expect(self._work, indexes)
        return plan

    async def misfits(self, plan: Plan) -> Sequence[Finding]:
        assert self._work is not None
        session = self._housekeeper.session
        if plan.strategy is Strategy.STAGED:
            return await found_against(session, plan.source.name, self._work.steps)
        altered, _ = self._work.by_shadow
        return await misfits(session, plan, altered.indexes)

    def scratch(self, plan: Plan) -> AbstractAsyncContextManager[SampleTable]:
        assert self._target is not None
        return sample_table(self._housekeeper.session, plan, self._target)

    async def trial(self, plan: Plan, seconds: float) -> Trial | None:
        assert self._facts is not None
        assert self._target is not None
        assert self._work is not None
        session, divided = self._housekeeper.session, self._target.alter.partitioning is not None
        if plan.strategy is Strategy.STAGED:
            return await steps_tried(session, self._facts, plan, self._work.steps, seconds)
        if divided or plan.source.kind == "PARTITIONED TABLE":
            return None
        return await rewrite_tried(session, self._facts, plan, self._target, seconds)

    def change(self, plan: Plan) -> Mapping[str, str]:
        assert self._work is not None
        target = self._settings.target
        return {
            "the ALTER": plan.alter,
            "--transform": "; ".join(f"{column}={text}" for column, text in target.transforms),
            "--where": plan.where or "",
            "--strategy": plan.strategy.value,
            "--refresh-materialized-views": str(target.refresh_materialized),
            "the copy key": plan.copy_key.index,
            "the table's definition": self._work.fingerprint,
        }

    def parts(self, plan: Plan) -> Parts:
        assert self._facts is not None
        assert self._work is not None
        if self._back is not None:
            return self._parts_back(plan, self._back, self._work)
        statements = Statements(plan)
        stream = self._stream(plan, self._work, self._facts)
        way_back = self._way_back(plan, stream) if self._settings.revert.possible else None
        self._exchange = LockingExchange(self._connect, statements, self._work, way_back)
        return Parts(
            stream=stream,
            copying=RowCopier(self._pool, statements),
            resyncing=Resyncer(self._pool, statements),
            comparing=RowComparer(self._pool, statements),
            exchanging=self._exchange,
            bare=True,
        )

    def revertible(self, plan: Plan) -> Revertible:
        if self._back is not None:
            return next_turn(self._back)
        return first_turn(plan, self._settings.target.transforms)

    async def turn(self, revertible: Revertible) -> Plan:
        assert self._facts is not None
        assert self._target is not None
        ledger, session = self._target.names.ledger, self._housekeeper.session
        plan, self._work, self._turned = await plan_back(
            session, self._facts, revertible, ledger, self._settings.target
        )
        if self._exchange is not None:
            await self._exchange.close()
        self._back = revertible
        self._housekeeper = turned = TurnedHousekeeper(self._housekeeper, revertible, ledger)
        if self._settings.execute:
            await turned.lock_both()
        return plan

    def _parts_back(self, plan: Plan, noted: Revertible, work: Work) -> Parts:
        assert self._facts is not None
        assert self._turned is not None
        stream = self._stream(plan, work, self._facts, behind=self._housekeeper.registration)
        way_back = self._way_back(plan, stream)
        self._exchange = TurnedExchange(self._connect, self._turned, work, way_back, noted, self._settings.target)
        return Parts(
            stream=stream,
            copying=RowCopier(self._pool, self._turned),
            resyncing=TurnedResyncer(self._pool, self._turned),
            comparing=TurnedComparer(self._pool, self._turned),
            exchanging=self._exchange,
        )

    def _stream(self, plan: Plan, work: Work, facts: ServerFacts, *, behind: str = "") -> LogicalStream:
        return LogicalStream(
            self._connect,
            facts,
            source=plan.source.name,
            oid=work.oid,
            key=plan.copy_key.source_columns,
            all_columns=plan.source.columns,
            reader=self._connect.stream_reader,
            behind=behind,
        )

    def _way_back(self, plan: Plan, stream: LogicalStream) -> WayBack:
        housekeeper = self._housekeeper
        return WayBack(plan, stream, lambda: housekeeper.registration, lambda: housekeeper.noted)

    async def close(self) -> None:
        await self._vitals.close()
        if self._exchange is not None:
            await self._exchange.close()
        await self._pool.close()
        await self._housekeeper.close()
