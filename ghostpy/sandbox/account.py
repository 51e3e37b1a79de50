"""The system user a server runs as: ourselves, or an unprivileged one when we are root.

No user is created. Servers refuse to run as root, or should: they listen without a password.
"""

from __future__ import annotations

import os
import pwd
import shutil
from dataclasses import dataclass
from pathlib import Path

from ghostpy.sandbox.errors import SandboxError

_UNPRIVILEGED = "nobody"  # on every Debian; uid 65534


@dataclass(frozen=True, slots=True)
class Account:
    """Whom a server runs as."""

    uid: int
    gid: int


def current() -> Account:
    """Return the account that servers of this process run as."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    user = pwd.getpwnam(_UNPRIVILEGED)
    return Account(user.pw_uid, user.pw_gid)


def give(path: Path) -> None:
    """Make `path` and all below it the server account's own."""
    if os.geteuid() != 0:
        return
    owner = current()
    for each in (path, *path.rglob("*")):
        shutil.chown(each, owner.uid, owner.gid)


def require_access(path: Path) -> None:
    """Refuse a folder that the server account could not enter."""
    if os.geteuid() != 0:
        return
    for each in (path, *path.parents):
        if not each.stat().st_mode & 0o001:
            raise SandboxError(
                f"{path} cannot be used by a server: root's servers run as {_UNPRIVILEGED!r}, to whom {each} is closed; "
                "set GHOSTPY_CACHE (for the cache) or TMPDIR (for the servers' folders) to a folder that everybody may enter"
            )
