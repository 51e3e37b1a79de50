"""Waiting for what happens elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable

WITHIN = 60.0
"""Seconds, on however slow a machine."""


def until(true: Callable[[], object], what: Callable[[], str] | str) -> None:
    """Wait for it. `what`: what was waited for in vain."""
    deadline = time.monotonic() + WITHIN
    while not true():
        assert time.monotonic() < deadline, f"in vain: {what if isinstance(what, str) else what()}"
        time.sleep(0.02)
