"""Is there room on the server's disk for what a plan makes?"""

from __future__ import annotations

from contextlib import suppress

from msgspec.structs import replace

from ghostpy.errors import GhostpyError
from ghostpy.model.finding import Finding
from ghostpy.model.plan import Plan, Strategy
from ghostpy.preflight.refusal import refusal
from ghostpy.protocols import Dialect
from ghostpy.settings import MigrateSettings

_COPIES = 2
"""Of the rows: the new table, and what the log takes."""


async def with_room(dialect: Dialect, plan: Plan, settings: MigrateSettings, *, begun: bool) -> Plan:
    """The plan, with the disk as it is now, where that can be seen. `begun`: much of it is on the disk already.

    Raises PlanRefused where the rows alone do not fit.
    """
    if plan.strategy is not Strategy.SHADOW or not settings.throttle.disk_reserve_percent:
        return plan
    disk = None
    with suppress(GhostpyError):
        disk = await dialect.vitals.disk()
    needed = _COPIES * plan.source.data_bytes
    if disk is not None and not begun and disk.free < needed:
        finding = Finding(
            "disk-room",
            f"the server's disk has {disk.free >> 20:,} MB left, and the new table and the log take about {needed >> 20:,} MB",
            "Make room, or add --disk-reserve-percent=0 where you know better.",
        )
        raise refusal(plan.source.name, dialect.address, [finding])
    return replace(plan, disk=disk)
