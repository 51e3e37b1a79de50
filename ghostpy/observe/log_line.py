"""The forms of a line in the log: text for people, JSON for programs."""

from __future__ import annotations

import json
from datetime import datetime

from msgspec import Struct, field

from ghostpy.model.progress import Progress
from ghostpy.model.run_end import RunEnd


class LogLine(Struct, frozen=True):
    """One event; `progress` is the latest snapshot before it. Levels in capitals, as `logging` names them."""

    level: str
    text: str
    progress: Progress
    end: RunEnd | None = None
    at: datetime = field(default_factory=lambda: datetime.now().astimezone())


def text_line(line: LogLine) -> str:
    """`2026-08-07 10:15:00 INFO text`, in local time."""
    return f"{line.at:%Y-%m-%d %H:%M:%S} {line.level} {' '.join(line.text.splitlines())}"


class JsonLines(Struct, frozen=True):
    """Makes one JSON object of each line; these facts stand in all of them."""

    table: str
    server: str

    def __call__(self, line: LogLine) -> str:
        told: dict[str, object] = {
            "time": line.at.isoformat(timespec="milliseconds"),
            "level": line.level.lower(),
            "message": line.text,
            "table": self.table,
            "server": self.server,
            "phase": line.progress.phase.value,
            "elapsed": round(line.progress.elapsed, 3),
        }
        if line.end is not None:
            told |= {"error": line.end.error, "exit_code": line.end.exit_code}
            told |= {"trace": line.end.trace} if line.end.trace else {}
        return json.dumps(told, ensure_ascii=False)
