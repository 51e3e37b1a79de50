"""Programs that are called once and must succeed."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from ghostpy.sandbox import account
from ghostpy.sandbox.errors import SandboxError

_TAIL = 15  # lines of a failed program's words


def run(command: Sequence[str], *, as_ourselves: bool = False) -> str:
    """Run a program as the server's account (or as ourselves), and return what it printed."""
    owner = account.current()
    switch = os.geteuid() == 0 and not as_ourselves
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            stdin=subprocess.DEVNULL,
            cwd="/",
            user=owner.uid if switch else None,
            group=owner.gid if switch else None,
            extra_groups=[] if switch else None,
        )
    except OSError as error:
        raise SandboxError(f"{command[0]} cannot be run: {error}") from error
    if done.returncode != 0:
        words = (done.stdout + done.stderr).strip().splitlines()[-_TAIL:]
        raise SandboxError(
            f"{Path(command[0]).name} failed with code {done.returncode}:\n" + "\n".join(words)
        )
    return done.stdout
