"""Several migrations, each a process of its own, some of them at the same time."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import IO

from msgspec import Struct, field

from ghostpy.cli.summary import NOTHING
from ghostpy.errors import AlreadyRunning, Stopped

CAME_THROUGH = ("done", "nothing to do")
_STATES = {0: "done", Stopped.exit_code: "stopped", AlreadyRunning.exit_code: "already running"}


class Job(Struct, frozen=True):
    """One migration, ready to start."""

    name: str
    table: str
    """As its summary names it."""
    arguments: tuple[str, ...]
    log: Path
    after: tuple[str, ...] = ()
    """Those that must have come through."""
    behind: tuple[str, ...] = ()
    """Those that must have ended, however they did: they are about the same table."""
    deadline: datetime | None = None
    """It is not started any more then."""


class Result(Struct):
    """What became of one migration."""

    name: str
    table: str
    log: str
    state: str = "not started"
    exit: int | None = None
    summary: str = ""
    seconds: float = 0.0

    @property
    def came_through(self) -> bool:
        return self.state in CAME_THROUGH


class BatchRun(Struct):
    """`told` is called for each migration that has ended or is not going to start."""

    jobs: Sequence[Job]
    limit: int
    stop_on_failure: bool
    environment: Mapping[str, str]
    told: Callable[[Result], None]
    signalled: signal.Signals | None = None
    _results: dict[str, Result] = field(default_factory=dict)
    _ended: dict[str, asyncio.Event] = field(default_factory=dict)
    _running: set[asyncio.subprocess.Process] = field(default_factory=set)
    _stopping: str = ""

    async def run(self) -> Sequence[Result]:
        """All results, in the order of the jobs, once all have ended."""
        self._results = {job.name: Result(job.name, job.table, str(job.log)) for job in self.jobs}
        self._ended = {job.name: asyncio.Event() for job in self.jobs}
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, partial(self._pass_on, number))
        try:
            places = asyncio.Semaphore(self.limit)
            async with asyncio.TaskGroup() as tasks:
                for job in self.jobs:
                    tasks.create_task(self._in_turn(job, places), name=job.name)
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)
        return [self._results[job.name] for job in self.jobs]

    def _pass_on(self, number: signal.Signals) -> None:
        """The first signal ends the running migrations cleanly, as it does with one; a second ends them at once."""
        self.signalled = self.signalled or number
        self._stopping = self._stopping or f"{number.name} ended the batch"
        for process in self._running:
            process.send_signal(number)

    async def _in_turn(self, job: Job, places: asyncio.Semaphore) -> None:
        for name in (*job.after, *job.behind):
            await self._ended[name].wait()
        result = self._results[job.name]
        try:
            missing = [name for name in job.after if not self._results[name].came_through]
            if missing:
                result.summary = f"not started: {', '.join(missing)} did not come through"
                return
            async with places:
                if self._stopping:
                    result.summary = f"not started: {self._stopping}"
                    return
                if job.deadline and datetime.now(UTC) >= job.deadline:
                    result.summary, result.exit = "not started: the deadline has come", Stopped.exit_code
                    result.state = _STATES[Stopped.exit_code]
                    return
                await self._carried_out(job, result)
        finally:
            self.told(result)
            self._ended[job.name].set()

    async def _carried_out(self, job: Job, result: Result) -> None:
        began = time.monotonic()
        with job.log.open("ab") as log:
            log.write(f"=== {datetime.now().astimezone():%Y-%m-%d %H:%M:%S %z} {job.name}\n".encode())
            log.flush()
            start = log.tell()
            result.exit = await self._process(job, log)
        result.seconds = round(time.monotonic() - began, 3)
        result.summary = _summary(job, start) or f"exit {result.exit}"
        result.state = _STATES.get(result.exit, "failed")
        if result.exit == 0 and result.summary == NOTHING:
            result.state = "nothing to do"
        if self.stop_on_failure and not result.came_through:
            self._stopping = self._stopping or f"{job.name} did not come through"

    async def _process(self, job: Job, log: IO[bytes]) -> int:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "ghostpy",
            "migrate",
            "--summary",
            *job.arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=self.environment,
            # Else Ctrl-C would reach it twice: from the terminal and from us.
            start_new_session=True,
        )
        self._running.add(process)
        if self.signalled is not None:
            process.send_signal(self.signalled)
        try:
            code = await process.wait()
        finally:
            self._running.discard(process)
        return code if code >= 0 else 128 - code


def _summary(job: Job, start: int) -> str:
    """What the run said of itself in its one line."""
    begin = f"ghostpy: {job.table}: "
    with job.log.open("rb") as log:
        log.seek(start)
        lines = log.read().decode(errors="replace").splitlines()
    return next((line.removeprefix(begin) for line in reversed(lines) if line.startswith(begin)), "")
