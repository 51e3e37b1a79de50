"""The flags that a run is throttled by, read and checked before anything is connected to."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from ghostpy.cli.flags import FlagValues
from ghostpy.errors import UsageError
from ghostpy.settings import ThrottleSettings
from ghostpy.throttle import deadlines, http_check, loads, windows


def throttle_settings(values: FlagValues) -> ThrottleSettings:
    """Raises UsageError where a text cannot be read, naming the flag."""
    settings = ThrottleSettings(
        max_lag_millis=values.whole("max-lag-millis"),
        control_replicas=values.text("throttle-control-replicas"),
        max_load=values.text("max-load"),
        critical_load=values.text("critical-load"),
        critical_interval_millis=values.whole("critical-load-interval-millis"),
        critical_hibernate_seconds=values.whole("critical-load-hibernate-seconds"),
        named_sql=tuple(map(_named, values.several("throttle-signal"))),
        query=values.text("throttle-query"),
        http=values.text("throttle-http"),
        http_interval_millis=values.whole("throttle-http-interval-millis"),
        http_timeout_millis=values.whole("throttle-http-timeout-millis"),
        ignore_http_errors=values.switch("ignore-http-errors"),
        flag_file=_path(values, "throttle-flag-file"),
        additional_flag_file=_path(values, "throttle-additional-flag-file"),
        panic_flag_file=_path(values, "panic-flag-file"),
        window=",".join(values.several("window")),
        deadline=values.text("deadline"),
        disk_reserve_percent=values.fraction("disk-reserve-percent"),
    )
    _check(settings)
    return settings


def _check(settings: ThrottleSettings) -> None:
    when = datetime.now(UTC)
    checks: dict[str, Callable[[], object]] = {
        "max-load": lambda: loads.parsed(settings.max_load),
        "critical-load": lambda: loads.parsed(settings.critical_load),
        "throttle-http": lambda: http_check.checked(settings.http),
        "window": lambda: windows.parsed(settings.window),
        "deadline": lambda: deadlines.deadline(settings.deadline, when, windows.parsed(settings.window)),
    }
    for name, check in checks.items():
        try:
            check()
        except UsageError as error:
            raise UsageError(f"--{name}: {error.message}.", hint=error.hint) from error


def _named(text: str) -> tuple[str, str]:
    name, equals, sql = (part.strip() for part in text.partition("="))
    if not (name and equals and sql) or "," in name:
        raise UsageError(f"--throttle-signal must be name=SQL, not {text!r}.")
    return name, sql


def _path(values: FlagValues, name: str) -> Path | None:
    return Path(values.text(name)) if values.text(name) else None
