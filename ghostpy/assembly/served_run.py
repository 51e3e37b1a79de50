"""A run under way: it takes commands, and its failure says what became of the table."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ghostpy import errors
from ghostpy.assembly.controlling import desk_of
from ghostpy.assembly.parts import Assembled
from ghostpy.control.server import served
from ghostpy.model.plan import Plan, Strategy
from ghostpy.protocols import Dialect, Moments, Observer
from ghostpy.settings import MigrateSettings


@asynccontextmanager
async def served_run(
    run: Assembled, dialect: Dialect, plan: Plan, settings: MigrateSettings, observer: Observer, moments: Moments
) -> AsyncIterator[None]:
    """For the length of the block, in which the run is carried out."""
    shadow = run.shadow
    try:
        async with served(settings.control, desk_of(dialect, plan, run.steering, settings, observer), moments):
            yield
    except errors.GhostpyError as error:
        if shadow.exchanged:
            error.hint = f"{_outcome(plan, exchanged=True)} {error.hint}"
        if shadow.left:
            error.add_note(_sentence(shadow.left))
        raise
    except asyncio.CancelledError as ended:
        if shadow.exchanged or shadow.left:
            ended.add_note(_outcome(plan, exchanged=shadow.exchanged))
        if shadow.left:
            ended.add_note(_sentence(shadow.left))
        raise


def _outcome(plan: Plan, *, exchanged: bool) -> str:
    back = plan.strategy is Strategy.REVERT
    if exchanged:
        return f"The names are exchanged already: {plan.source.name} {'is reverted' if back else 'has its new schema'}."
    return f"{plan.source.name} was not {'reverted' if back else 'changed'}."


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."
