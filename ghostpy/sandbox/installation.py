"""Where a server's programs are, and how to call them."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Protocol

from msgspec import Struct, field

from ghostpy.sandbox import account
from ghostpy.sandbox.account import Account
from ghostpy.sandbox.errors import SandboxError

_ADMIN_FOLDERS = "/usr/local/sbin:/usr/sbin:/sbin"  # not on everybody's PATH


class Installation(Protocol):
    """One version of a server, ready to be called."""

    @property
    def version(self) -> str:
        """The version, e.g. `9.7.4`."""

    @property
    def options(self) -> tuple[str, ...]:
        """What the server must be told because its files are in an unusual place."""

    @property
    def account(self) -> Account:
        """Whom its programs are called as."""

    def command(self, program: str, folder: Path) -> list[str]:
        """Return how to call `program` for a server that lives in `folder`; SandboxError if it has none."""

    def end_signal(self, usual: signal.Signals) -> signal.Signals:
        """Return the signal that ends a server for good, where `usual` would do for a process of ours."""

    def kill(self, folder: Path) -> bool:
        """Kill what a SIGKILL to the called program would not reach; tell whether that was enough."""


class Programs(Struct, frozen=True):
    """An installation in folders of this machine."""

    version: str
    folders: tuple[Path, ...]
    options: tuple[str, ...] = ()
    account: Account = field(default_factory=account.of_servers)

    def command(self, program: str, folder: Path) -> list[str]:
        """Return the program's path."""
        found = shutil.which(program, path=":".join(map(str, self.folders)))
        if found is None:
            raise SandboxError(f"there is no {program} in {' or '.join(map(str, self.folders))}")
        return [found]

    def end_signal(self, usual: signal.Signals) -> signal.Signals:
        """Return the usual one."""
        return usual

    def kill(self, folder: Path) -> bool:
        """Leave it to the signal."""
        return False


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
    """Return the version in a program's words, e.g. `9.7.4` (a path before it may have numbers too)."""
    found = re.search(r"(?:\bVer|\(\w+\))\s+(\d+(?:\.\d+)*)", line)
    return found[1] if found else ""
