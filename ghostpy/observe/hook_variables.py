"""What a hook is told: gh-ost's variables, and the same with more in one JSON document.

Names and forms of the variables are an interface that people's scripts read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct, to_builtins

from ghostpy.model.moment import Moment
from ghostpy.model.progress import Progress
from ghostpy.observe.status_line import UNKNOWN, eta_seconds

PREFIX = "gh-ost-on-"
_NO_ETA = -(2**63)
"""gh-ost's smallest integer stands for an unknown ETA."""
_VERSION = 1
"""Of the document; raised where a field changes its meaning or goes away."""


class HookFacts(Struct, frozen=True):
    """What a hook is told that does not change with the progress. Tables by the names that statements would use."""

    database: str
    table: str
    shadow: str
    old: str
    alter: str
    server: str
    """The host whose table is changed."""
    asked: str
    """The host that was named, which may be a replica of it."""
    executing_host: str
    hint: str = ""
    hint_owner: str = ""
    hint_token: str = ""
    dry_run: bool = False
    revert: bool = False


def variables(facts: HookFacts, progress: Progress, moment: Moment, detail: str = "") -> dict[str, str]:
    """The environment variables of a hook at `moment`."""
    eta = eta_seconds(progress)
    copied = 100.0 if not progress.rows_estimate and progress.copy_complete else progress.fraction * 100
    told = {
        "DATABASE_NAME": facts.database,
        "TABLE_NAME": facts.table,
        "GHOST_TABLE_NAME": facts.shadow,
        "OLD_TABLE_NAME": facts.old,
        "DDL": facts.alter,
        "ELAPSED_SECONDS": f"{progress.elapsed:f}",
        "ELAPSED_COPY_SECONDS": f"{progress.copy_elapsed:f}",
        "ESTIMATED_ROWS": str(progress.rows_estimate),
        "COPIED_ROWS": str(progress.rows_copied),
        "MIGRATED_HOST": facts.server,
        "INSPECTED_HOST": facts.asked,
        "EXECUTING_HOST": facts.executing_host,
        "INSPECTED_LAG": f"{progress.lag:f}",
        "HEARTBEAT_LAG": f"{progress.stream_lag:f}",
        "PROGRESS": f"{copied:f}",
        "ETA_SECONDS": str(_NO_ETA if eta == UNKNOWN else eta),
        "HOOKS_HINT": facts.hint,
        "HOOKS_HINT_OWNER": facts.hint_owner,
        "HOOKS_HINT_TOKEN": facts.hint_token,
        "DRY_RUN": _truth(facts.dry_run),
        "REVERT": _truth(facts.revert),
        **_of_the_moment(moment, detail),
    }
    return {f"GH_OST_{name}": value for name, value in told.items()}


def _of_the_moment(moment: Moment, detail: str) -> Mapping[str, str]:
    match moment:
        case Moment.INTERACTIVE_COMMAND:
            return {"COMMAND": f"'{detail}'"}
        case Moment.STATUS:
            return {"STATUS": f"'{detail}'"}
        case Moment.SUCCESS:
            return {"INSTANT_DDL": _truth(detail == "instant")}
        case Moment.BATCH_COPY_RETRY:
            return {"LAST_BATCH_COPY_ERROR": detail}
    return {}


def _truth(value: bool) -> str:
    return "true" if value else "false"


def document(facts: HookFacts, progress: Progress, moment: Moment, detail: str, now: datetime) -> bytes:
    """The JSON that a hook finds on its standard input: an object on one line."""
    told = {
        "version": _VERSION,
        "moment": moment.value,
        "hook": f"{PREFIX}{moment.value}",
        "time": now.isoformat(timespec="milliseconds"),
        "detail": detail,
        "variables": variables(facts, progress, moment, detail),
        "progress": {**to_builtins(progress), "phase": progress.phase.value, "fraction": progress.fraction},
    }
    return json.dumps(told, ensure_ascii=False, default=str).encode(errors="replace") + b"\n"
