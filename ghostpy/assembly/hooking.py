"""The hooks of a run: who they are, and when they hear of its beginning and its end."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from msgspec.structs import replace

from ghostpy.dialects import names_of
from ghostpy.errors import HookFailed
from ghostpy.model.moment import Moment
from ghostpy.model.names import HelperNames, TableName
from ghostpy.model.plan import Plan, Strategy
from ghostpy.model.progress import Progress, RunReport
from ghostpy.observe.hook_variables import HookFacts
from ghostpy.observe.hooks import Hooks, NoHooks
from ghostpy.planning.backfill import text_of
from ghostpy.protocols import Moments, Observer
from ghostpy.settings import MigrateSettings


@asynccontextmanager
async def hooked(
    settings: MigrateSettings, progress: Callable[[], Progress], observer: Observer
) -> AsyncIterator[Moments]:
    """The moments of a run, which begins and ends with the block; they tell of the start and of a failure by themselves.

    Raises HookFailed where a hook does not let the run begin.
    """
    moments = _moments(settings, progress, observer)
    try:
        await moments.reached(Moment.STARTUP)
        yield moments
    except (Exception, asyncio.CancelledError) as error:
        await moments.reached(Moment.FAILURE, str(error) or "the run was interrupted")
        raise


async def plan_ready(moments: Moments, plan: Plan, settings: MigrateSettings, address: str) -> None:
    """The plan is made and everything is checked, on the server at `address`."""
    if isinstance(moments, Hooks):
        moments.facts = _named(moments.facts, plan.source.name, plan.names)
        moments.facts = on_server(moments.facts, settings, address)
    await moments.reached(Moment.VALIDATED)


def on_server(facts: HookFacts, settings: MigrateSettings, address: str) -> HookFacts:
    """The same where the work is done on the server at `address`."""
    return facts if address == settings.connect.address else replace(facts, server=address.rpartition(":")[0])


async def succeeded(moments: Moments, outcome: RunReport | Plan) -> None:
    """All is done and, but for the ledger of a backfill, cleaned up. Raises HookFailed, which undoes nothing."""
    try:
        await moments.reached(Moment.SUCCESS, outcome.strategy if isinstance(outcome, RunReport) else "")
    except HookFailed as failure:
        if isinstance(outcome, RunReport):
            became = "" if outcome.strategy == Strategy.BACKFILL.value else f": {outcome.source} has its new schema"
            failure.hint = f"The run itself ended well{became}, and nothing was undone."
        raise


def _moments(settings: MigrateSettings, progress: Callable[[], Progress], observer: Observer) -> Moments:
    hooks = settings.hooks
    if hooks.path is None:
        return NoHooks()
    return Hooks(hooks, facts_of(settings), progress, observer)


def facts_of(settings: MigrateSettings) -> HookFacts:
    """What programs of the user's are told of a run before its plan is made."""
    hooks = settings.hooks
    facts = HookFacts(
        database=settings.target.database,
        table="",
        shadow="",
        old="",
        alter=_statement(settings),
        server=settings.connect.host,
        asked=settings.connect.host,
        executing_host=socket.gethostname(),
        hint=hooks.hint,
        hint_owner=hooks.hint_owner,
        hint_token=hooks.hint_token,
        dry_run=not settings.execute,
        revert=settings.revert.wanted,
    )
    return _named(facts, *names_of(settings))


def _statement(settings: MigrateSettings) -> str:
    target = settings.target
    return text_of(target.table, target.assignments, target.where) if target.assignments else target.alter


def _named(facts: HookFacts, source: TableName, names: HelperNames) -> HookFacts:
    """A helper table that is not beside the source goes by its whole name."""
    shadow, old = (name.table if name.schema == source.schema else str(name) for name in (names.shadow, names.old))
    return replace(facts, table=source.table, shadow=shadow, old=old)
