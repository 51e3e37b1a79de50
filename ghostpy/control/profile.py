"""Where the run's process spends its time: stacks of all its threads, looked at again and again, as lines for flame graphs."""

from __future__ import annotations

import base64
import gzip
import re
import sys
import threading
import time
from collections import Counter
from types import FrameType

from ghostpy.control.desk import Refused

_EVERY = 0.01
_DEFAULT, _LONGEST = 30.0, 300.0
_DURATION = re.compile(r"(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?(?:(\d+)ms)?\Z")
_one_at_a_time = threading.Lock()


def profiled(argument: str) -> str:
    """`[duration][,gzip][,block]`: the collapsed stacks, in base64. Blocks for the duration. Raises Refused."""
    seconds, packed = _read(argument)
    if not _one_at_a_time.acquire(blocking=False):
        raise Refused("cpu profiling already in progress")
    try:
        found = "\n".join(f"{stack} {count}" for stack, count in sorted(_sampled(seconds).items())).encode()
    finally:
        _one_at_a_time.release()
    return base64.b64encode(gzip.compress(found) if packed else found).decode()


def _read(argument: str) -> tuple[float, bool]:
    seconds, packed = _DEFAULT, False
    for number, option in enumerate(argument.split(",") if argument else ()):
        if option == "gzip":
            packed = True
        elif option in ("block", "blocked", "blocking"):
            continue  # threads that wait are in the stacks anyway
        elif number == 0 and (found := _DURATION.match(option)) and option:
            minutes, whole, millis = found.groups(default="0")
            seconds = min(int(minutes) * 60 + float(whole) + int(millis) / 1000, _LONGEST)
        else:
            raise Refused(f"unrecognized cpu profiling option: {option}")
    return seconds, packed


def _sampled(seconds: float) -> Counter[str]:
    stacks: Counter[str] = Counter()
    own, end = threading.get_ident(), time.monotonic() + seconds
    while time.monotonic() < end:
        names = {thread.ident: thread.name for thread in threading.enumerate()}
        for identity, frame in sys._current_frames().items():
            if identity != own:
                stacks[";".join([names.get(identity, "thread"), *_names(frame)])] += 1
        time.sleep(_EVERY)
    return stacks


def _names(frame: FrameType | None) -> list[str]:
    found: list[str] = []
    while frame is not None:
        found.append(f"{frame.f_globals.get('__name__', '?')}.{frame.f_code.co_qualname}")
        frame = frame.f_back
    return found[::-1]
