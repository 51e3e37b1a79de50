"""What throttling goes by and what it found: for the status line, its hints, and whoever explains a run."""

from __future__ import annotations

from msgspec import Struct


class Standing(Struct, frozen=True):
    """Settings as they are now, in the users' spelling, and the last figures. Empty texts: not asked for."""

    max_lag_millis: int = 1500
    max_load: str = ""
    critical_load: str = ""
    control_replicas: str = ""
    """Comma list of those named; empty: those found count."""
    query: str = ""
    http: str = ""
    flag_file: str = ""
    flag_file_there: bool = False
    additional_flag_file: str = ""
    additional_flag_file_there: bool = False
    panic_flag_file: str = ""
    window: str = ""
    deadline: str = ""
    lag: float | None = None
    """Of the replica that is behind most, in seconds; None where none is watched."""
    replicas: int = 0
    """How many are watched."""
    pause_limit: float | None = None
    """Seconds that a run which ends now may wait before it is begun again; None where that is not known or has no limit."""
