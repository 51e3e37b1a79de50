"""One running server program, which ends when this Python process does, however that ends."""

from __future__ import annotations

import random
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from ghostpy.sandbox import guard
from ghostpy.sandbox.account import Account
from ghostpy.sandbox.errors import SandboxError
from ghostpy.sandbox.workspace import Workspace

# Below the range from which Linux takes the near end of outgoing connections (32768 and up): a server that is
# stopped for a moment must find its port free again.
_PORTS = range(20000, 32000)


class Process:
    """A server program under a guard (see `guard`)."""

    def __init__(
        self,
        command: Sequence[str],
        workspace: Workspace,
        log: Path,
        account: Account,
        end_signal: signal.Signals,
    ) -> None:
        how = [str(workspace.path), str(account.uid), str(account.gid), str(int(end_signal))]
        with log.open("ab") as output:
            self._guard = subprocess.Popen(
                [sys.executable, "-I", "-S", guard.__file__, *how, *command],
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                cwd="/",
                start_new_session=True,  # Ctrl-C is for the owner, who ends the server in its own time
                pass_fds=(workspace.lock,),
            )
        assert self._guard.stdin is not None
        assert self._guard.stdout is not None
        self._orders = self._guard.stdin
        with self._guard.stdout as answer:
            self.pid = int(answer.readline() or 0)
        if not self.pid:
            self.end()
            raise SandboxError(f"the guard of {command[0]} did not start")

    @property
    def alive(self) -> bool:
        """Whether the server is running."""
        return self._guard.poll() is None

    def signal(self, number: signal.Signals) -> None:
        """Send the server a signal; nothing happens if it has ended."""
        if self.alive:
            with suppress(BrokenPipeError):
                self._orders.write(bytes([number]))

    def wait(self, timeout: float) -> int:
        """Wait for the server's end, and return its exit code."""
        try:
            code = self._guard.wait(timeout)
        except subprocess.TimeoutExpired:
            raise SandboxError(f"the server (process {self.pid}) is still running after {timeout:g} s") from None
        self._close()
        return code

    def end(self) -> None:
        """End the server at once, and have the guard remove its folder."""
        self._close()
        self._guard.wait()

    def _close(self) -> None:
        with suppress(BrokenPipeError):
            self._orders.close()


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on."""
    for port in random.sample(_PORTS, k=200):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise SandboxError("no free port found")
