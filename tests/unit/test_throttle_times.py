"""Time windows and deadlines, by a clock in the test's hand."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from ghostpy.errors import UsageError
from ghostpy.throttle.deadlines import deadline
from ghostpy.throttle.windows import Windows, parsed

NIGHT = "22:00-06:00 Europe/Berlin"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def spelled(moment: datetime | None) -> str | None:
    return None if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}"


@pytest.mark.parametrize(
    ("window", "now", "opens"),
    [
        # Friday, 7 August 2026: Berlin is two hours ahead of UTC.
        (NIGHT, "2026-08-07 19:59", "2026-08-07 20:00"),
        (NIGHT, "2026-08-07 20:00", None),
        (NIGHT, "2026-08-08 03:59", None),
        (NIGHT, "2026-08-08 04:00", "2026-08-08 20:00"),
        ("Mon-Fri 22:00-06:00 Europe/Berlin", "2026-08-08 01:00", None),  # began on Friday
        ("Mon-Fri 22:00-06:00 Europe/Berlin", "2026-08-08 12:00", "2026-08-10 20:00"),
        ("Fri-Mon 01:00-02:00 UTC", "2026-08-07 02:00", "2026-08-08 01:00"),
        ("Fri-Mon 01:00-02:00 UTC", "2026-08-10 02:00", "2026-08-14 01:00"),
        ("Sat,Sun 00:00-24:00 UTC", "2026-08-07 23:59", "2026-08-08 00:00"),
        ("Sat,Sun 00:00-24:00 UTC", "2026-08-09 23:59", None),
        ("Sat,Sun 00:00-24:00 UTC", "2026-08-10 00:00", "2026-08-15 00:00"),
        ("Mon-Fri 22:00-23:00 UTC, Sat, Sun 10:00-11:00 UTC", "2026-08-08 10:30", None),
        ("Mon-Fri 22:00-23:00 UTC, Sat, Sun 10:00-11:00 UTC", "2026-08-09 12:00", "2026-08-10 22:00"),
        ("friday 1:00 - 2:00 UTC", "2026-08-07 00:00", "2026-08-07 01:00"),
        ("00:00-00:00 UTC", "2026-08-07 00:00", None),
        ("", "2026-08-07 00:00", None),
        # 29 March 2026: Berlin's clocks go from 2 to 3 o'clock, which is 01:00 UTC.
        ("02:30-04:00 Europe/Berlin", "2026-03-29 01:15", "2026-03-29 01:30"),
        ("02:30-04:00 Europe/Berlin", "2026-03-29 01:30", None),
        ("02:30-04:00 Europe/Berlin", "2026-03-29 02:00", "2026-03-30 00:30"),
        # 25 October 2026: they go back from 3 to 2 o'clock, which is 01:00 UTC; the first 02:30 counts.
        ("02:30-04:00 Europe/Berlin", "2026-10-25 00:29", "2026-10-25 00:30"),
        ("02:30-04:00 Europe/Berlin", "2026-10-25 02:59", None),
        ("02:30-04:00 Europe/Berlin", "2026-10-25 03:00", "2026-10-26 01:30"),
    ],
)
def test_when_a_window_opens(window: str, now: str, opens: str | None) -> None:
    windows = parsed(window)
    assert spelled(windows.opens_at(at(now))) == opens
    assert windows.is_open(at(now)) == (opens is None)


@pytest.mark.parametrize(
    ("window", "now", "closes"),
    [
        (NIGHT, "2026-08-07 20:00", "2026-08-08 04:00"),
        (NIGHT, "2026-08-07 12:00", "2026-08-08 04:00"),
        ("22:00-24:00 UTC, 00:00-03:00 UTC", "2026-08-07 23:00", "2026-08-08 03:00"),
        ("Sat,Sun 00:00-24:00 UTC", "2026-08-08 12:00", "2026-08-10 00:00"),
        ("00:00-24:00 UTC", "2026-08-08 12:00", None),
        ("", "2026-08-08 12:00", None),
    ],
)
def test_when_a_window_closes(window: str, now: str, closes: str | None) -> None:
    assert spelled(parsed(window).closes_at(at(now))) == closes


@pytest.mark.parametrize(
    "text",
    [
        "22:00",
        "22-06",
        "25:00-06:00",
        "22:60-06:00",
        "24:00-01:00",
        "Xyz 22:00-06:00",
        "Mon- 22:00-06:00",
        "22:00-06:00 Mars/Crater",
        "Mon-Tue-Wed 22:00-06:00",
        "22:00-06:00 Europe/Berlin UTC",
        "night",
        "22:00-06:00,Mon",
        "22:00-06:00 ../../etc/passwd",
    ],
)
def test_windows_that_cannot_be_read(text: str) -> None:
    with pytest.raises(UsageError):
        parsed(text)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("6h", "2026-08-07 18:00"),
        ("1h30m", "2026-08-07 13:30"),
        ("1.5h", "2026-08-07 13:30"),
        ("2d", "2026-08-09 12:00"),
        ("90s", "2026-08-07 12:01"),
        ("13:00 UTC", "2026-08-07 13:00"),
        ("12:00 UTC", "2026-08-08 12:00"),
        ("06:00 Europe/Berlin", "2026-08-08 04:00"),
        ("2026-08-08T06:00+02:00", "2026-08-08 04:00"),
        ("2026-08-08 06:00 Europe/Berlin", "2026-08-08 04:00"),
        ("2026-08-08T06:00Z", "2026-08-08 06:00"),
        ("window", "2026-08-08 04:00"),
        ("", None),
    ],
)
def test_deadlines(text: str, moment: str | None) -> None:
    assert spelled(deadline(text, at("2026-08-07 12:00"), parsed(NIGHT))) == moment


@pytest.mark.parametrize(
    "text", ["soon", "6", "6 h", "25:00", "2026-13-01T00:00", "06:00 Mars/Crater", "9999999999999d", "-1h"]
)
def test_deadlines_that_cannot_be_read(text: str) -> None:
    with pytest.raises(UsageError):
        deadline(text, at("2026-08-07 12:00"), parsed(NIGHT))


def test_a_deadline_at_the_windows_end_needs_a_window() -> None:
    with pytest.raises(UsageError, match="needs a time window"):
        deadline("window", at("2026-08-07 12:00"), Windows())


def test_zones_are_known_where_the_system_has_none() -> None:
    """A bare machine has no zone files: those of the package are taken."""
    asked = "from ghostpy.throttle.local_time import zone_of; print(zone_of('Europe/Berlin'))"
    found = subprocess.run(
        [sys.executable, "-c", asked],
        env={**os.environ, "PYTHONTZPATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.strip() == "Europe/Berlin"
