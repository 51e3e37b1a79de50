"""A server's official image, run like a program of this machine: same paths, options and network."""

from __future__ import annotations

import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

from msgspec import Struct, field

from ghostpy.sandbox import account, commands
from ghostpy.sandbox.account import Account
from ghostpy.sandbox.errors import SandboxError
from ghostpy.sandbox.installation import version_in


class Image(Struct, frozen=True):
    """An installation inside of an image. The called program is Docker's client, which passes signals on."""

    name: str
    version: str
    options: tuple[str, ...] = ()
    account: Account = field(default_factory=account.ourselves)  # who may speak to the engine

    def command(self, program: str, folder: Path) -> list[str]:
        """Return a call of the program in a container named like the folder."""
        inside = account.of_servers()
        return [
            *_client(),
            "run",
            "--rm",
            f"--name={folder.name}",
            f"--user={inside.uid}:{inside.gid}",
            "--network=host",
            "--shm-size=1g",
            "--volume=/etc/passwd:/etc/passwd:ro",  # PostgreSQL wants its user to have a name
            f"--volume={folder}:{folder}",
            f"--entrypoint={program}",
            self.name,
        ]

    def end_signal(self, usual: signal.Signals) -> signal.Signals:
        """Return one that the client passes on; SIGKILL would leave the container running."""
        return signal.SIGTERM if usual == signal.SIGKILL else usual

    def kill(self, folder: Path) -> bool:
        """Kill the container; its client then ends by itself."""
        with suppress(SandboxError):
            commands.run([*_client(), "kill", folder.name], account.ourselves())
        return True


def image(name: str, program: str) -> Image:
    """Return an image ready to run, pulled if need be; SandboxError if no engine answers."""
    if not _answers():
        raise SandboxError("no Docker engine answers")
    line = commands.run([*_client(), "run", "--rm", f"--entrypoint={program}", name, "--version"], account.ourselves())
    return Image(name, version_in(line))


def _client() -> list[str]:
    return [shutil.which("docker") or "docker"]


def _answers() -> bool:
    try:
        done = subprocess.run([*_client(), "info"], capture_output=True, check=False, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
