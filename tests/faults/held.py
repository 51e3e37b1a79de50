"""A run of the program beside which a test works, holding it still where it likes. Which places there are is for each kind of server."""

from __future__ import annotations

import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol, Self

import program
from migrating import Finished

from ghostpy import sandbox


class Session(Protocol):
    """Of the test, on the server."""

    def close(self) -> None: ...


class Held(ABC):
    """One run on table `t`."""

    lock_seconds = 10

    def __init__(self, server: sandbox.Server, database: str, folder: Path, *flags: str) -> None:
        self.server = server
        self.database = database
        self.flag_file = folder / "postponed"
        self.rest_file = self.flag_file.with_name("rest")
        """While it is there, no row is copied."""
        self._output, self._errors = folder / "output", folder / "errors"
        self._flags = flags
        self._open = ExitStack()
        self._process: program.Program | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, failed: type[BaseException] | None, *_: object) -> None:
        if failed is not None and self.started:
            print(self.told())
        if self._process is not None and self._process.poll() is None:
            self.kill()
        self.release()
        self._open.close()

    # --- the process ------------------------------------------------------------------------------------------------

    def start(self) -> None:
        arguments = [
            "migrate",
            *self._target(),
            "--chunk-size=10",
            "--verbose",
            f"--cut-over-lock-timeout-seconds={self.lock_seconds}",
            f"--postpone-cut-over-flag-file={self.flag_file}",
            f"--throttle-flag-file={self.rest_file}",
            # However slow the machine is: work is not kept unless a test asks for it.
            "--checkpoint-seconds=3600",
            "--execute",
            *self._flags,
        ]
        self._began = time.monotonic()
        with self._output.open("wb") as output, self._errors.open("wb") as errors:
            self._process = program.start(*arguments, output=output, errors=errors)

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        """As the kernel does where memory is short: nothing is cleaned up."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def ended(self) -> Finished:
        """The run at its end."""
        assert self._process is not None
        status = self._process.wait(120)
        finished = Finished(status, self._output.read_text(), self.told(), self._began, time.monotonic())
        print(f"exit code {status}", finished.output, finished.errors, sep="\n")  # shown where the test fails
        return finished

    def told(self) -> str:
        return self._errors.read_text()

    def alive(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.told()
        return True

    @property
    def started(self) -> bool:
        return self._process is not None

    # --- places -----------------------------------------------------------------------------------------------------

    def hold_at(self, phase: str) -> None:
        """Bring the run, held before or not begun, to `phase`, where it stands still."""
        self._places()[phase]()

    def release(self) -> None:
        """Let it go on, to its end if nothing else happens."""
        self.flag_file.unlink(missing_ok=True)
        self._let_go()

    @abstractmethod
    def _target(self) -> list[str]:
        """The flags that say where and what to change."""

    @abstractmethod
    def _places(self) -> Mapping[str, Callable[[], None]]:
        """How to bring the run to each of the places."""

    @abstractmethod
    def _let_go(self) -> None:
        """Give up all that the test holds."""
