"""The system user a server runs as: ourselves, or an unprivileged one when we are root.

No user is created. Servers refuse to run as root, or should: they listen without a password.
"""

from __future__ import annotations

import os
import pwd
from pathlib import Path

from msgspec import Struct

from ghostpy.sandbox.errors import SandboxError

_UNPRIVILEGED = "nobody"  # on every Debian; uid 65534


class Account(Struct, frozen=True):
    """Whom a program runs as."""

    uid: int
    gid: int


def ourselves() -> Account:
    """Return the account of this process."""
    return Account(os.geteuid(), os.getegid())


def of_servers() -> Account:
    """Return the account that this process gives to servers."""
    if os.geteuid() != 0:
        return ourselves()
    user = pwd.getpwnam(_UNPRIVILEGED)
    return Account(user.pw_uid, user.pw_gid)


def give(path: Path) -> None:
    """Make `path` and all below it the servers' own."""
    if os.geteuid() != 0:
        return
    owner = of_servers()
    for each in (path, *path.rglob("*")):
        os.chown(each, owner.uid, owner.gid, follow_symlinks=False)


def closed_folder(path: Path) -> Path | None:
    """Return the folder on the way to `path` that servers may not enter, if there is one."""
    if os.geteuid() != 0:
        return None
    return next((each for each in (path, *path.parents) if not each.stat().st_mode & 0o001), None)


def require_access(path: Path) -> None:
    """Refuse a folder that servers cannot enter."""
    if closed := closed_folder(path):
        raise SandboxError(
            f"servers cannot use {path}: root's servers run as {_UNPRIVILEGED!r}, to whom {closed} is closed",
            hint="Set GHOSTPY_CACHE to a folder that everybody may enter.",
        )
