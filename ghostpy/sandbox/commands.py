"""Programs that are called once and must succeed."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from ghostpy.sandbox.account import Account
from ghostpy.sandbox.errors import SandboxError

_TAIL = 15  # lines of a failed program's words


def run(command: Sequence[str], account: Account, *, folder: Path | None = None) -> str:
    """Run a program as `account`, in `folder`, and return what it printed."""
    switch = account.uid != os.geteuid()
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            stdin=subprocess.DEVNULL,
            cwd=folder or "/",
            user=account.uid if switch else None,
            group=account.gid if switch else None,
            extra_groups=[] if switch else None,
        )
    except OSError as error:
        raise SandboxError(f"{command[0]} cannot be run: {error}") from error
    if done.returncode != 0:
        words = (done.stdout + done.stderr).strip().splitlines()[-_TAIL:]
        raise SandboxError(f"{Path(command[0]).name} failed with code {done.returncode}:\n" + "\n".join(words))
    return done.stdout
