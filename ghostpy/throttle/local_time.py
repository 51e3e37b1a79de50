"""Times on a clock on the wall, and the instants that they are."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

from ghostpy.errors import UsageError

Zone = tzinfo | None
"""None: that of this machine."""

_DAY_MINUTES = 24 * 60


def zone_of(name: str) -> Zone:
    """Raises UsageError where there is no such zone."""
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError) as error:
        raise UsageError(f"there is no time zone {name!r}", hint="For example Europe/Berlin, or UTC.") from error


def minutes_of(text: str) -> int | None:
    """Minutes since midnight of HH:MM, 24:00 included; None where it is no such text."""
    hours, colon, minutes = text.partition(":")
    if not (colon and hours.isdecimal() and minutes.isdecimal() and len(minutes) == 2 and int(minutes) < 60):
        return None
    found = int(hours) * 60 + int(minutes)
    return found if found <= _DAY_MINUTES else None


def instant(day: date, minutes: int, zone: Zone) -> datetime:
    """When the clock shows so many minutes since the midnight that `day` begins with, in UTC.

    A time that the clocks leave out in spring is the one that they show instead; of two in autumn it is the first.
    """
    day += timedelta(days=minutes // _DAY_MINUTES)
    wall = datetime.combine(day, time(minutes % _DAY_MINUTES // 60, minutes % 60))
    placed = wall.astimezone() if zone is None else wall.replace(tzinfo=zone)
    return placed.astimezone(UTC)


def shown(moment: datetime, zone: Zone) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M %Z}"
