"""Starts `ghostpy` in processes of its own, quickly: each is forked from one that has the program loaded already.

To load it takes longer than many a run does, and tests make thousands. A run's arguments, environment, files, signals and exit code are those
of any process. Only what the interpreter itself takes from its environment, or what is looked up about the command line in /proc, is that of
the process it was forked from; tests of these start an interpreter.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from datetime import datetime, tzinfo
from pathlib import Path
from typing import IO, Any, Self

_LONGEST = 1 << 17
_OF_THE_INTERPRETER = ("PYTHON", "LC_", "LANG")


class Program:
    """`ghostpy` under way, or ended: as much of `subprocess.Popen` as tests need."""

    def __init__(self, arguments: tuple[str, ...], pid: int, status: int) -> None:
        self.args = arguments
        self.pid = pid
        self.returncode: int | None = None
        self._status = status

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """It is killed, if it is still there."""
        self.kill()
        self.wait()

    def poll(self) -> int | None:
        """The exit code, or nothing while it runs."""
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, negative for a signal. Raises subprocess.TimeoutExpired."""
        if self.returncode is None:
            ready, _, _ = select.select([self._status], [], [], timeout)
            if not ready:
                raise subprocess.TimeoutExpired(["ghostpy", *self.args], timeout or 0)
            told = os.read(self._status, 16)
            os.close(self._status)
            if not told:
                raise RuntimeError("the process that starts the program has ended")
            self.returncode = int(told)
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)


class _Loaded:
    """The process that has the program loaded."""

    def __init__(self) -> None:
        self._ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._lock = threading.Lock()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, __file__, str(theirs.fileno())], pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL
            )
        atexit.register(self.close)

    def start(
        self, arguments: tuple[str, ...], environment: Mapping[str, str], output: int, errors: int, clock: Path | None
    ) -> Program:
        request = json.dumps(
            {
                "arguments": arguments,
                "environment": dict(environment),
                "folder": os.getcwd(),
                "clock": None if clock is None else str(clock),
            }
        )
        told, status = os.pipe()
        try:
            with self._lock:
                socket.send_fds(self._ours, [os.fsencode(request)], [output, errors, status])
                answer = self._ours.recv(16)
        finally:
            os.close(status)
        if not answer:
            raise RuntimeError("the process that starts the program has ended")
        return Program(arguments, int(answer), told)

    def close(self) -> None:
        self._ours.close()
        self._process.wait()


_loaded: _Loaded | None = None
_loading = threading.Lock()


def start(
    *arguments: str,
    output: IO[bytes] | IO[str],
    errors: IO[bytes] | IO[str],
    environment: Mapping[str, str] | None = None,
    clock: Path | None = None,
) -> Program:
    """Run `ghostpy` with these arguments. It writes to these files, and reads nothing.

    `clock`: a file with the seconds by which the wall clock is wrong for this run, at any moment; what only goes on is as it is.
    """
    global _loaded
    with _loading:
        if _loaded is None:
            _loaded = _Loaded()
    return _loaded.start(
        arguments, os.environ if environment is None else environment, output.fileno(), errors.fileno(), clock
    )


def ended(*arguments: str, timeout: float = 600, environment: Mapping[str, str] | None = None) -> tuple[int, str, str]:
    """Run `ghostpy` with these arguments to its end: the exit code, and what was on stdout and stderr.

    Raises subprocess.TimeoutExpired; then it has been killed.
    """
    if environment is not None and _differs(environment):
        done = subprocess.run(
            [sys.executable, "-m", "ghostpy", *arguments],
            capture_output=True,
            text=True,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
            env=environment,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        with start(*arguments, output=output, errors=errors, environment=environment) as process:
            status = process.wait(timeout)
        texts = []
        for file in (output, errors):
            file.seek(0)
            texts.append(file.read())
    return status, texts[0], texts[1]


def _differs(environment: Mapping[str, str]) -> bool:
    """Whether the interpreter itself would start in another way."""

    def of_interpreter(variables: Mapping[str, str]) -> dict[str, str]:
        return {name: value for name, value in variables.items() if name.startswith(_OF_THE_INTERPRETER)}

    return of_interpreter(environment) != of_interpreter(os.environ)


# --- in the process that has the program loaded -----------------------------------------------------------------------


def _load() -> None:
    """Import all of it, and what it imports late."""
    import ghostpy

    for module in pkgutil.walk_packages(ghostpy.__path__, "ghostpy."):
        if not module.name.endswith(("__main__", ".demo_scene")) and ".integrations" not in module.name:
            importlib.import_module(module.name)
    for name in ("sqlglot.dialects.mysql", "sqlglot.dialects.postgres", "uvloop"):
        importlib.import_module(name)
    gc.freeze()


def _next(asked: socket.socket) -> list[str]:
    """Fork for each request; returns in the child only, with its arguments."""
    woken, waking = os.pipe()
    os.set_blocking(waking, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(waking, warn_on_full_buffer=False)
    running: dict[int, int] = {}
    while True:
        ready, _, _ = select.select([asked, woken], [], [])
        if woken in ready:
            os.read(woken, 1024)
            _tell_of_ended(running)
        if asked not in ready:
            continue
        request, (*files,), _, _ = socket.recv_fds(asked, _LONGEST, 3)
        if not request:
            os._exit(0)
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for other in (woken, waking, files[2], *running.values()):
                os.close(other)
            asked.close()
            return _as_asked(json.loads(request), *files[:2])
        running[pid] = files[2]
        for file in files[:2]:
            os.close(file)
        asked.send(str(pid).encode())


def _tell_of_ended(running: dict[int, int]) -> None:
    while running:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        told = running.pop(pid)
        with contextlib.suppress(BrokenPipeError):  # nobody waits for it
            os.write(told, str(os.waitstatus_to_exitcode(status)).encode())
        os.close(told)


def _as_asked(request: dict[str, object], output: int, errors: int) -> list[str]:
    for file, number in ((output, 1), (errors, 2)):
        os.dup2(file, number)
        os.close(file)
    environment, arguments = request["environment"], request["arguments"]
    assert isinstance(environment, dict)
    assert isinstance(arguments, list)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    os.chdir(str(request["folder"]))
    if request["clock"] is not None:
        _set_clock_by(Path(str(request["clock"])))
    return arguments


def _set_clock_by(file: Path) -> None:
    """Have all of ghostpy read a clock that is wrong by as many seconds as the file says."""
    right = time.time

    def shown() -> float:
        return right() + float(file.read_text())

    class Shown(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Any:
            return datetime.fromtimestamp(shown(), tz)

    time.time = shown
    for name, module in list(sys.modules.items()):
        if name.startswith("ghostpy.") and vars(module).get("datetime") is datetime:
            vars(module)["datetime"] = Shown


def _stand_by(number: int) -> None:
    # What lies beside this file is the tests', and must not be found in the place of a library.
    sys.path[0] = str(Path(__file__).parent.parent)
    _load()
    arguments = _next(socket.socket(fileno=number))
    sys.argv[:] = ["ghostpy", *arguments]
    from ghostpy.cli.main import entry_point

    entry_point()


if __name__ == "__main__":
    _stand_by(int(sys.argv[1]))
