"""ghostpy from Python; `import ghostpy` has all of this. docs/library.md tells how it is used.

Settings are the flags of `ghostpy migrate` by keyword (`chunk_size=500`), checked as the flags are. Nothing is printed, no signal is
handled, no process is ended: what goes wrong is raised, and what happens is said to the logger `ghostpy`.
"""

from __future__ import annotations

from functools import partial
from typing import Unpack

from ghostpy.api.keywords import Read, Settings, read_settings
from ghostpy.api.running import carried_out, to_end
from ghostpy.api.telling import OnProgress
from ghostpy.api.values import Plan, Result, plan_of, result_of
from ghostpy.model import plan as planned
from ghostpy.model.progress import RunReport

__all__ = [
    "OnProgress", "Plan", "Result", "Settings",
    "amigrate", "aplan", "aplan_revert", "arevert", "migrate", "plan", "plan_revert", "revert",
]  # fmt: skip


def plan(url: str, table: str, alter: str = "", **settings: Unpack[Settings]) -> Plan:
    """How `table` would be changed by `alter`; nothing is changed. What `ghostpy plan` says.

    `url`: mysql://… or postgresql://…; `alter`: "ADD …, DROP …", or a whole ALTER TABLE; empty with the setting `desired`.
    Raises PlanRefused, with all findings, where the change cannot be made safely; UsageError, ConnectionFailed and others of
    `ghostpy.errors`; UsageError within a running event loop, where `aplan` is to be awaited.
    """
    return to_end(partial(aplan, url, table, alter, **settings), "aplan")


def migrate(
    url: str, table: str, alter: str = "", *, on_progress: OnProgress | None = None, **settings: Unpack[Settings]
) -> Result:
    """Change `table` by `alter` while it is written to, and return how that went. What `ghostpy migrate --execute` does.

    An earlier run's work is gone on with, and where the table has the wanted shape already, nothing is done. Raises as `plan` does; the
    notes of an error (`__notes__`) say what became of the table, `keeps_work` whether the same call goes on later. KeyboardInterrupt
    ends the run cleanly. `on_progress` is given snapshots on a thread of the run's own.
    """
    return to_end(partial(amigrate, url, table, alter, on_progress=on_progress, **settings), "amigrate")


def revert(
    url: str, table: str, *, old_table: str = "", on_progress: OnProgress | None = None, **settings: Unpack[Settings]
) -> Result:
    """Take the last change of `table` back, with every write made since. What `ghostpy revert --execute` does.

    `old_table`: what it must go back to, where that matters. Raises CannotResume where there is nothing to take back: a change can be
    that was made with `keep_revertible` or `revert_window`; else as `migrate`.
    """
    return to_end(partial(arevert, url, table, old_table=old_table, on_progress=on_progress, **settings), "arevert")


def plan_revert(url: str, table: str, *, old_table: str = "", **settings: Unpack[Settings]) -> Plan:
    """How the last change of `table` would be taken back; nothing is changed. What `ghostpy revert` says without --execute.

    Raises CannotResume where there is nothing to take back, PlanRefused where it cannot be done safely; else as `plan`.
    """
    return to_end(partial(aplan_revert, url, table, old_table=old_table, **settings), "aplan_revert")


async def aplan(url: str, table: str, alter: str = "", **settings: Unpack[Settings]) -> Plan:
    """`plan`, to be awaited."""
    return await _planned(read_settings(url, table, alter, settings))


async def aplan_revert(url: str, table: str, *, old_table: str = "", **settings: Unpack[Settings]) -> Plan:
    """`plan_revert`, to be awaited."""
    return await _planned(read_settings(url, table, "", settings, old_table=old_table))


async def _planned(read: Read) -> Plan:
    outcome = await carried_out(read, None)
    assert isinstance(outcome, planned.Plan)
    return plan_of(outcome, read.settings)


async def amigrate(
    url: str, table: str, alter: str = "", *, on_progress: OnProgress | None = None, **settings: Unpack[Settings]
) -> Result:
    """`migrate`, to be awaited. To cancel the task ends the run cleanly; the same call goes on with its work."""
    outcome = await carried_out(read_settings(url, table, alter, settings, execute=True), on_progress)
    assert isinstance(outcome, RunReport)
    return result_of(outcome)


async def arevert(
    url: str, table: str, *, old_table: str = "", on_progress: OnProgress | None = None, **settings: Unpack[Settings]
) -> Result:
    """`revert`, to be awaited."""
    outcome = await carried_out(read_settings(url, table, "", settings, execute=True, old_table=old_table), on_progress)
    assert isinstance(outcome, RunReport)
    return result_of(outcome)
