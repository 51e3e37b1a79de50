"""Runs a tool to its end, and says what it took."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass

_PATIENCE = 60.0
_MARK = "metered "


@dataclass(frozen=True)
class Metered:
    """`megabytes`: peak memory; `cpu`: seconds. Both are 0 where the machine has no `time` (Debian: time)."""

    ended: bool
    """Within the limit; else it was asked to end."""
    megabytes: float
    cpu: float


def metered(command: list[str], *, limit: float | None = None) -> Metered:
    """Run a tool, for at most `limit` seconds. Ends the program where the tool fails."""
    meter = shutil.which("time", path="/usr/bin:/bin")
    # The signal that ends the tool must reach it, not the meter.
    measured = [meter, "-f", f"{_MARK}%M %U %S", *command] if meter else command
    with subprocess.Popen(
        measured, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            told, _ = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            if meter:
                subprocess.run(["pkill", "-TERM", "-P", str(process.pid)], check=False)
            else:
                process.terminate()
            told, _ = process.communicate(timeout=_PATIENCE)
            return _read(told, ended=False)
    if process.returncode:
        raise SystemExit(f"{' '.join(command[:4])} … failed:\n{told[-2000:]}")
    return _read(told, ended=True)


def _read(told: str, *, ended: bool) -> Metered:
    for line in reversed(told.splitlines()):
        if line.startswith(_MARK):
            kilobytes, user, system = line.split()[1:]
            return Metered(ended, int(kilobytes) / 1024, float(user) + float(system))
    return Metered(ended, 0.0, 0.0)
