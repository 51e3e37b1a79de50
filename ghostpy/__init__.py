"""Online schema change for MySQL and PostgreSQL: follow keys, copy in chunks, verify, exchange under a short lock.

`plan`, `migrate`, `revert`, `plan_revert`, and what they give; those with an `a` in front are awaited. docs/library.md tells how they are used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ghostpy.api import (
        OnProgress,
        Plan,
        Result,
        Settings,
        amigrate,
        aplan,
        aplan_revert,
        arevert,
        migrate,
        plan,
        plan_revert,
        revert,
    )
    from ghostpy.errors import GhostpyError
    from ghostpy.model.advice import Alternative, Check, WayBack
    from ghostpy.model.estimate import Estimate
    from ghostpy.model.finding import Finding, Severity
    from ghostpy.model.plan import Strategy
    from ghostpy.model.planned_step import Blocks, Lasts, PlannedStep
    from ghostpy.model.progress import Phase, Progress

    __version__: str

__all__ = [
    "Alternative",
    "Blocks",
    "Check",
    "Estimate",
    "Finding",
    "GhostpyError",
    "Lasts",
    "OnProgress",
    "Phase",
    "Plan",
    "PlannedStep",
    "Progress",
    "Result",
    "Settings",
    "Severity",
    "Strategy",
    "WayBack",
    "__version__",
    "amigrate",
    "aplan",
    "aplan_revert",
    "arevert",
    "migrate",
    "plan",
    "plan_revert",
    "revert",
]

_ELSEWHERE = {
    "GhostpyError": "ghostpy.errors",
    **dict.fromkeys(("Alternative", "Check", "WayBack"), "ghostpy.model.advice"),
    "Estimate": "ghostpy.model.estimate",
    **dict.fromkeys(("Finding", "Severity"), "ghostpy.model.finding"),
    "Strategy": "ghostpy.model.plan",
    **dict.fromkeys(("Blocks", "Lasts", "PlannedStep"), "ghostpy.model.planned_step"),
    **dict.fromkeys(("Phase", "Progress"), "ghostpy.model.progress"),
}


def __getattr__(name: str) -> Any:
    # Only when asked for: the command has no use for them, and what looks up the version takes 50 ms to load.
    if name == "__version__":
        from importlib.metadata import version

        return version("ghostpy")
    if name not in __all__:
        raise AttributeError(f"module 'ghostpy' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_ELSEWHERE.get(name, "ghostpy.api")), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
