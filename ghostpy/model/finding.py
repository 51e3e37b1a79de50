"""What a pre-flight check has to say."""

from __future__ import annotations

from enum import Enum

from msgspec import Struct


class Severity(Enum):
    REFUSE = "refuse"
    WARN = "warn"


class Finding(Struct, frozen=True):
    """One answer of a check: `code` is stable for scripts, `text` is for people, `way_out` says what to do."""

    code: str
    text: str
    way_out: str = ""
    severity: Severity = Severity.REFUSE

    @property
    def told(self) -> str:
        """All of it for people; behind it the code, under which docs/findings.md has more."""
        return f"{f'{self.text}. {self.way_out}'.rstrip()} [{self.code}]"
