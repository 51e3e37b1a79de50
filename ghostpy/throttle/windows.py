"""Time windows: when a run may work. `[days] HH:MM-HH:MM [zone]`, several separated by commas.

Days are names or ranges (`Mon-Fri`, `Sat,Sun`), and mean the day that a window begins on. A window that ends no later than it
begins lasts until the next day. Without a zone it is this machine's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from ghostpy.errors import UsageError
from ghostpy.throttle.local_time import Zone, instant, minutes_of, shown, zone_of

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_ALL = frozenset(range(7))
_AHEAD = 9
"""Days to look ahead: a weekly window whose next beginning the clocks leave out comes a week later."""
_FORM = re.compile(
    r"(?:(?P<days>[A-Za-z, -]*?)\s+)?(?P<from>\d{1,2}:\d\d)\s*-\s*(?P<to>\d{1,2}:\d\d)(?:\s+(?P<zone>\S+))?"
)
_HINT = 'For example "22:00-06:00 Europe/Berlin" or "Mon-Fri 22:00-06:00, Sat,Sun 00:00-24:00".'


class _Window(Struct, frozen=True):
    days: frozenset[int]
    begins: int
    lasts_until: int
    """Minutes since the midnight of its first day."""
    zone: Zone


class Windows(Struct, frozen=True):
    """None: always open."""

    text: str = ""
    each: tuple[_Window, ...] = ()

    def opens_at(self, now: datetime) -> datetime | None:
        """When the next window opens; None while one is open, or where none will be."""
        spans = self._spans(now)
        if not self.each or any(begin <= now < end for begin, end in spans):
            return None
        return min((begin for begin, _ in spans if begin > now), default=None)

    def is_open(self, now: datetime) -> bool:
        return not self.each or any(begin <= now < end for begin, end in self._spans(now))

    def closes_at(self, now: datetime) -> datetime | None:
        """The end of the window that is open, or else of the next one, and of those that follow it at once; None: always open."""
        opened = now if self.is_open(now) else self.opens_at(now)
        if opened is None or not self.each:
            return None
        end = opened
        while later := [till for begin, till in self._spans(now) if begin <= end < till]:
            end = max(later)
        return None if end >= now + timedelta(days=_AHEAD - 1) else end

    def shown(self, moment: datetime) -> str:
        return shown(moment, self.each[0].zone if self.each else None)

    def _spans(self, now: datetime) -> Sequence[tuple[datetime, datetime]]:
        found = []
        for window in self.each:
            today = now.astimezone(window.zone).date()
            for day in (today + timedelta(days=ahead) for ahead in range(-1, _AHEAD)):
                if day.weekday() in window.days:
                    begin = instant(day, window.begins, window.zone)
                    end = instant(day, window.lasts_until, window.zone)
                    if begin < end:
                        found.append((begin, end))
        return found


def parsed(text: str) -> Windows:
    """Raises UsageError."""
    return Windows(text.strip(), tuple(map(_window, _parts(text))))


def _parts(text: str) -> Sequence[str]:
    """Commas part windows, and days as well: what has no time belongs to what follows it."""
    parts: list[str] = []
    days: list[str] = []
    for piece in filter(None, (piece.strip() for piece in re.split(r"[,;\n]", text))):
        if re.search(r"\d", piece):
            parts.append(",".join([*days, piece]))
            days = []
        else:
            days.append(piece)
    return [*parts, *days]


def _window(text: str) -> _Window:
    found = _FORM.fullmatch(text)
    begins, ends = (minutes_of(found[name]) for name in ("from", "to")) if found else (None, None)
    if found is None or begins is None or ends is None or begins == 24 * 60:
        raise UsageError(f"the time window {text!r} cannot be read", hint=_HINT)
    return _Window(
        days=_days(found["days"] or "", text),
        begins=begins,
        lasts_until=ends if ends > begins else ends + 24 * 60,
        zone=zone_of(found["zone"] or ""),
    )


def _days(text: str, whole: str) -> frozenset[int]:
    found: set[int] = set()
    for piece in filter(None, re.split(r"[,\s]+", re.sub(r"\s*-\s*", "-", text))):
        numbers = [_DAYS.index(name[:3]) for name in piece.lower().split("-") if name[:3] in _DAYS]
        if len(numbers) != piece.count("-") + 1 or len(numbers) > 2:
            raise UsageError(f"{piece!r} in the time window {whole!r} is no day", hint=_HINT)
        last = numbers[-1] if numbers[-1] >= numbers[0] else numbers[-1] + 7
        found.update(day % 7 for day in range(numbers[0], last + 1))
    return frozenset(found) or _ALL
