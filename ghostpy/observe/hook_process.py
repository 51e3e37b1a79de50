"""One program of the user's, run to its end beside everything else."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from ghostpy.errors import HookFailed

Say = Callable[[str], None]

_GRACE = 1.0
"""Seconds between SIGTERM and SIGKILL."""
_LAST_OUTPUT = 0.5
"""Seconds to wait for output after the end: a program left in the background may hold the pipe open for ever."""
_LONGEST_LINE = 4096
_STILL_RUNNING = 60.0


async def run_hook(path: Path, variables: Mapping[str, str], document: bytes, say: Say, *, limit: float) -> None:
    """Run the hook `path`, without arguments; as `run_program`."""
    await run_program((str(path),), f"the hook {path}", variables, document, say, limit=limit)


async def run_program(
    arguments: Sequence[str], called: str, variables: Mapping[str, str], document: bytes, say: Say, *, limit: float
) -> None:
    """Run a program by its `arguments`, the first of which names it, without a shell; each line that it writes goes to `say`, as it comes.

    `called`: what messages call it; its arguments are in none. `variables` are added to this process's environment; `document` is its
    standard input. `limit` in seconds, 0: none.
    Raises HookFailed where it cannot be started, ends otherwise than with 0, or not within the limit: then it is killed
    with its whole process group. It is killed as well where the caller is cancelled.
    """
    with tempfile.TemporaryFile() as stdin:
        # A file, so that a program which never reads it neither blocks nor breaks anything.
        stdin.write(document)
        stdin.seek(0)
        async with _output(Path(arguments[0]).name, say) as stdout:
            try:
                process = await _started(arguments, called, variables, stdin.fileno(), stdout)
            finally:
                os.close(stdout)
            status = await _waited(process, called, say, limit)
    if status:
        raise HookFailed(f"{called} {_ending(status)}")


async def _started(
    arguments: Sequence[str], called: str, variables: Mapping[str, str], stdin: int, stdout: int
) -> asyncio.subprocess.Process:
    try:
        return await asyncio.create_subprocess_exec(
            *arguments,
            stdin=stdin,
            stdout=stdout,
            stderr=stdout,
            env={**os.environ, **variables},
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise HookFailed(f"{called} cannot be started: {reason}") from error


async def _waited(process: asyncio.subprocess.Process, called: str, say: Say, limit: float) -> int:
    saying = asyncio.create_task(_say_that_it_lasts(called, say), name="hook")
    try:
        async with asyncio.timeout(limit or None):
            return await process.wait()
    except TimeoutError:
        await _killed(process)
        raise HookFailed(f"{called} did not end within {limit:g} s and was killed") from None
    except asyncio.CancelledError:
        await _killed(process)
        raise
    finally:
        saying.cancel()


async def _say_that_it_lasts(called: str, say: Say) -> None:
    waited = 0.0
    while True:
        await asyncio.sleep(_STILL_RUNNING)
        waited += _STILL_RUNNING
        say(f"(still running after {waited:.0f} s: {called})")


async def _killed(process: asyncio.subprocess.Process) -> None:
    try:
        _signal_group(process, signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), _GRACE)
    finally:
        # Its children may have outlived it.
        _signal_group(process, signal.SIGKILL)
    await process.wait()


def _signal_group(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def _ending(status: int) -> str:
    if status < 0:
        return f"was ended by signal {-status}"
    return f"ended with exit status {status}"


@asynccontextmanager
async def _output(name: str, say: Say) -> AsyncIterator[int]:
    """The writing end of a pipe; what comes out of it is said. The caller closes that end."""
    reading, writing = os.pipe()
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(reading, "rb", 0)
    )
    lines = asyncio.create_task(_said(name, reader, say), name="hook output")
    try:
        yield writing
    finally:
        await asyncio.wait([lines], timeout=_LAST_OUTPUT)
        lines.cancel()
        transport.close()


async def _said(name: str, reader: asyncio.StreamReader, say: Say) -> None:
    rest = b""
    while data := await reader.read(1 << 16):
        *lines, rest = (rest + data).split(b"\n")
        if len(rest) > _LONGEST_LINE:
            lines, rest = [*lines, rest], b""
        for line in lines:
            say(f"{name}: {_text(line)}")
    if rest:
        say(f"{name}: {_text(rest)}")


def _text(line: bytes) -> str:
    return line[:_LONGEST_LINE].decode(errors="replace").rstrip("\r")
