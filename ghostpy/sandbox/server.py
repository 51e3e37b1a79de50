"""What every throwaway server can do: start, stop, be killed, and leave without a trace."""

from __future__ import annotations

import atexit
import os
import signal
import time
import weakref
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from ghostpy.sandbox import account, commands
from ghostpy.sandbox.errors import SandboxError
from ghostpy.sandbox.installation import Installation
from ghostpy.sandbox.process import Process, free_port
from ghostpy.sandbox.workspace import Workspace

Options = Mapping[str, str | int | None]
"""Server options by name, spelled with `_` or `-`; None is for an option without a value."""

_START = 60.0  # seconds; two to four are usual
_STOP = 60.0
_PORT_TAKEN = "Address already in use"
_ATTEMPTS = 3  # someone else may take the port between our look and the server's start


class Server(ABC):
    """A real server of its own on a free port of 127.0.0.1, running since it was made.

    Use it as a context manager, or call `close`. It ends with the Python process in any case.
    """

    kind: ClassVar[str]
    host: ClassVar[str] = "127.0.0.1"
    user: ClassVar[str]
    password: ClassVar[str] = ""

    _stop_signal: ClassVar[signal.Signals]
    _end_signal: ClassVar[signal.Signals]

    def __init__(self, installation: Installation, options: Options | None) -> None:
        self.version = installation.version
        self.options = self._spelled(options)
        self._installation = installation
        self._process: Process | None = None
        self._owner = os.getpid()
        self._dependants: list[Server] = []
        self._workspace = Workspace(self.kind)
        self.folder = self._workspace.path
        _open.add(self)
        try:
            self._prepare()
            self._first_start()
        except BaseException:
            self.close()
            raise

    @property
    @abstractmethod
    def url(self) -> str:
        """The server's address with user, as tools take it."""

    @property
    @abstractmethod
    def socket(self) -> str:
        """The path of the unix socket (PostgreSQL: its folder)."""

    @property
    def pid(self) -> int | None:
        """The server's process id while it runs."""
        return self._process.pid if self.running and self._process else None

    @property
    def running(self) -> bool:
        """Whether the server program is up."""
        return self._process is not None and self._process.alive

    def start(self) -> None:
        """Start the server again, on the same port and data."""
        if self.running:
            return
        if not self.folder.exists():
            raise SandboxError(f"this {self.kind} server was closed")
        process = self._process = Process(
            self._command(),
            self._workspace,
            self._log,
            self._installation.account,
            self._installation.end_signal(self._end_signal),
        )
        deadline = time.monotonic() + _START
        while not self._ready():
            if not process.alive:
                raise SandboxError(f"{self.kind} {self.version} did not start:\n{self.log_tail()}")
            if time.monotonic() > deadline:
                raise SandboxError(f"{self.kind} {self.version} is not up after {_START:g} s:\n{self.log_tail()}")
            time.sleep(0.02)

    def stop(self) -> None:
        """Shut the server down in good order; its data stays for the next `start`."""
        if self._process is not None:
            self._process.signal(self._stop_signal)
            self._process.wait(_STOP)

    def kill(self) -> None:
        """End the server with SIGKILL, as a crash would; its data stays for the next `start`."""
        if self._process is not None:
            if not self._installation.kill(self.folder):
                self._process.signal(signal.SIGKILL)
            self._process.wait(_STOP)

    def close(self) -> None:
        """End the server and all that depend on it, and remove its folder. It may be called again."""
        if os.getpid() != self._owner:
            return  # a fork of the process whose server it is
        for each in self._dependants:
            each.close()
        if self._process is not None:
            self._process.end()
        self._workspace.remove()
        _open.discard(self)

    def log_tail(self, lines: int = 30) -> str:
        """Return the last lines of the server's error log."""
        if not self._log.exists():
            return ""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-lines:])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{self.kind} {self.version} {self.url}>"

    @abstractmethod
    def execute(self, *statements: str) -> list[dict[str, object]]:
        """Run statements as the server's administrator, and return the rows of the last one."""

    @abstractmethod
    def replica(self, options: Options | None = None) -> Server:
        """Return a replica of this server, which ends with it at the latest."""

    @staticmethod
    @abstractmethod
    def _spelled(options: Options | None) -> dict[str, str | int | None]:
        """Return options with one spelling of their names."""

    @abstractmethod
    def _prepare(self) -> None:
        """Make the data directory."""

    @abstractmethod
    def _command(self) -> list[str]:
        """Return how the server is started."""

    @abstractmethod
    def _ready(self) -> bool:
        """Tell whether the server takes sessions."""

    @property
    def _log(self) -> Path:
        return self.folder / "server.log"

    def _copy_data(self, template: Path) -> None:
        """Copy a data directory; where the file system can, without copying its blocks."""
        data = str(self.folder / "data")
        commands.run(["cp", "--archive", "--reflink=auto", str(template), data], account.ourselves())

    def _first_start(self) -> None:
        for left in reversed(range(_ATTEMPTS)):
            self.port = free_port()
            try:
                self.start()
                break
            except SandboxError:
                if not left or self.running or _PORT_TAKEN not in self.log_tail():
                    raise


_open: weakref.WeakSet[Server] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    for server in list(_open):
        server.close()
