"""When a run stops, to be gone on with later: a time, a duration from now, or the end of the window."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from ghostpy.errors import UsageError
from ghostpy.throttle.local_time import Zone, instant, minutes_of, zone_of
from ghostpy.throttle.windows import Windows

WINDOW = "window"
_SECONDS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?[dhms])+")
_PIECE = re.compile(r"(\d+(?:\.\d+)?)([dhms])")
_HINT = 'For example "6h", "06:00 Europe/Berlin", "2026-08-08T06:00+02:00", or "window" for the end of the window.'


def deadline(text: str, now: datetime, windows: Windows) -> datetime | None:
    """The instant that `text` means when it is said `now`; None where there is none. Raises UsageError."""
    text = text.strip()
    if not text:
        return None
    if text.lower() == WINDOW:
        if not windows.each:
            raise UsageError('the deadline "window" needs a time window', hint="Give one by --window.")
        return windows.closes_at(now)
    seconds = seconds_of(text)
    if seconds is not None:
        try:
            return now + timedelta(seconds=seconds)
        except OverflowError as error:
            raise UsageError(f"the deadline {text!r} is too far away", hint=_HINT) from error
    return _time(text, now)


def seconds_of(text: str) -> float | None:
    """A duration as `24h` or `1h30m`; None where it is none."""
    if not _DURATION.fullmatch(text):
        return None
    return sum(float(number) * _SECONDS[unit] for number, unit in _PIECE.findall(text))


def _time(text: str, now: datetime) -> datetime:
    words = text.split()
    zone = zone_of(words.pop()) if words[-1][0].isalpha() else None
    said = "T".join(words)
    minutes = minutes_of(said)
    if minutes is not None:
        return _next(minutes, zone, now)
    try:
        moment = datetime.fromisoformat(said)
    except ValueError as error:
        raise UsageError(f"the deadline {text!r} cannot be read", hint=_HINT) from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone) if zone else moment.astimezone()
    return moment.astimezone(UTC)


def _next(minutes: int, zone: Zone, now: datetime) -> datetime:
    today = now.astimezone(zone).date()
    return next(moment for ahead in range(3) if (moment := instant(today + timedelta(days=ahead), minutes, zone)) > now)
