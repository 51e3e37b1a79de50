"""Where a server's programs are, and how to call them."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

_ADMIN_FOLDERS = "/usr/local/sbin:/usr/sbin:/sbin"  # not on everybody's PATH


class Installation(ABC):
    """One version of a server, ready to be called."""

    version: str
    options: tuple[str, ...] = ()
    """What the server must be told about an unusual place."""
    end_signal: signal.Signals | None = None
    """The signal that ends the server for good, if it is not the server's own."""

    @abstractmethod
    def command(self, program: str, folder: Path) -> list[str]:
        """Return how to call `program` for a server that lives in `folder`."""

    def kill(self, folder: Path) -> None:  # noqa: B027 - nothing to do for a process of our own
        """Kill what SIGKILL to the called program would not reach."""


@dataclass(frozen=True)
class Programs(Installation):
    """Programs in folders of this machine."""

    version: str
    folders: tuple[Path, ...]
    options: tuple[str, ...] = ()

    def command(self, program: str, folder: Path) -> list[str]:
        found = shutil.which(program, path=":".join(map(str, self.folders)))
        if found is None:
            raise FileNotFoundError(f"{program} is not in {', '.join(map(str, self.folders))}")
        return [found]


def on_path(program: str) -> Path | None:
    """Return where `program` is on this machine, also in the folders of administrators."""
    found = shutil.which(program) or shutil.which(program, path=_ADMIN_FOLDERS)
    return Path(found) if found else None


def version_line(program: Path) -> str:
    """Return what a server program says of its version; empty if it cannot be run."""
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def version_in(line: str) -> str:
    """Return the first version number in `line`, e.g. `9.7.4`."""
    found = re.search(r"\d+\.\d+(?:\.\d+)?", line)
    return found[0] if found else ""
