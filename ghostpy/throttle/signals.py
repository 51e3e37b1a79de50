"""All signals of a run, made of its settings, in the order of their reasons."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import ClassVar

from msgspec import Struct

from ghostpy.errors import GhostpyError
from ghostpy.protocols import Vitals
from ghostpy.settings import ThrottleSettings
from ghostpy.throttle.critical_load import CriticalLoadSignal
from ghostpy.throttle.deadline_signal import DeadlineSignal
from ghostpy.throttle.figures import Figures
from ghostpy.throttle.files import FlagFile, PanicFile
from ghostpy.throttle.http_check import HttpCheck
from ghostpy.throttle.max_load import MaxLoad
from ghostpy.throttle.query import Query
from ghostpy.throttle.replica_lag import LEAST_MILLIS, ReplicaLag
from ghostpy.throttle.signal import Signal
from ghostpy.throttle.window_signal import WindowSignal


class Signals(Struct, frozen=True):
    panic: PanicFile
    critical: CriticalLoadSignal
    window: WindowSignal
    flag: FlagFile
    additional_flag: FlagFile
    max_load: MaxLoad
    query: Query
    http: HttpCheck
    lag: ReplicaLag
    deadline: DeadlineSignal

    AFTER_COMMAND: ClassVar[str] = "window"
    """The first one whose reason counts for less than an operator's command."""

    @classmethod
    def of(
        cls,
        settings: ThrottleSettings,
        vitals: Vitals,
        hibernate: Callable[[float], None],
        tell: Callable[[str], None],
        stop: Callable[[GhostpyError], None],
        now: Callable[[], datetime],
        elapsed: Callable[[], float],
    ) -> Signals:
        """Raises UsageError where a text cannot be read."""
        figures = Figures(vitals, dict(settings.named_sql))
        window = WindowSignal(settings.window, now)
        return cls(
            panic=PanicFile(settings.panic_flag_file),
            critical=CriticalLoadSignal(
                figures,
                settings.critical_load,
                hibernate,
                tell,
                recheck_seconds=settings.critical_interval_millis / 1000,
                hibernate_seconds=settings.critical_hibernate_seconds,
            ),
            window=window,
            flag=FlagFile(settings.flag_file),
            additional_flag=FlagFile(settings.additional_flag_file),
            max_load=MaxLoad(figures, settings.max_load),
            query=Query(vitals, settings.query),
            http=HttpCheck(
                settings.http,
                interval=settings.http_interval_millis / 1000,
                timeout=settings.http_timeout_millis / 1000,
                ignore_errors=settings.ignore_http_errors,
            ),
            lag=ReplicaLag(vitals, max(settings.max_lag_millis, LEAST_MILLIS), settings.control_replicas, tell),
            deadline=DeadlineSignal(settings.deadline, window.windows, now, elapsed, stop),
        )

    def in_order(self) -> dict[str, Signal]:
        """Whose reason is shown first comes first."""
        return {
            "panic-file": self.panic,
            "critical-load": self.critical,
            "window": self.window,
            "flag-file": self.flag,
            "additional flag-file": self.additional_flag,
            "max-load": self.max_load,
            "throttle-query": self.query,
            "throttle-http": self.http,
            "lag": self.lag,
            "deadline": self.deadline,
        }
