"""Takes commands on a Unix socket, and on TCP where that is asked for: one line in, text out, closed.

Nothing that a client does, or leaves undone, costs the run more than a bounded amount of memory and time.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import os
import socket
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

from ghostpy.control.commands import answered, changes, known, parsed
from ghostpy.control.desk import Desk, Refused
from ghostpy.control.places import default_place, free_place, registered
from ghostpy.errors import HookFailed, UsageError
from ghostpy.model.moment import Moment
from ghostpy.protocols import Moments
from ghostpy.settings import ControlSettings

_LONGEST_LINE = 65_536
_CLIENTS = 300
_LINE_WITHIN = 30.0
_ANSWER_WITHIN = 10.0
_CLOSED_WITHIN = 1.0
_SWALLOWED = 32 << 20
_SWALLOWED_WITHIN = 2.0
_WAITING = 256


@asynccontextmanager
async def served(settings: ControlSettings, desk: Desk, moments: Moments) -> AsyncIterator[None]:
    """Take commands for the length of a block. Raises UsageError where a socket or a port cannot be had."""
    source, clients = desk.facts.source, _Clients(desk, moments)
    async with AsyncExitStack() as stack:
        chosen = settings.socket_file is not None
        wanted = settings.socket_file or default_place(
            settings.database or source.schema, settings.table or source.table
        )
        path = free_place(wanted, chosen=chosen, drop=settings.drop_socket_file)
        await stack.enter_async_context(_on_socket(path, clients.met))
        stack.enter_context(registered(path, str(source), settings.database or source.schema, desk.facts.address))
        desk.tell(f"commands are taken on {path}")
        if settings.tcp_port:
            await stack.enter_async_context(_on_port(settings, partial(clients.met, token=settings.tcp_token)))
            desk.tell(f"commands are taken on {settings.tcp_host}:{settings.tcp_port}")
        stack.push_async_callback(clients.end)
        yield


Met = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def _on_socket(path: Path, met: Met) -> AsyncIterator[None]:
    listener, identity = _bound(path)
    try:
        server = await asyncio.start_unix_server(met, sock=listener, limit=_LONGEST_LINE, backlog=_WAITING)
    except BaseException:
        listener.close()
        raise
    try:
        yield
    finally:
        server.close()
        _remove(path, identity)


def _remove(path: Path, identity: int) -> None:
    with contextlib.suppress(OSError):
        if path.stat().st_ino == identity:  # somebody may have dropped ours and put another there
            path.unlink()


def _bound(path: Path) -> tuple[socket.socket, int]:
    """A socket, and its file's number. It is nobody else's to connect to at any moment: made in a folder of our own, and moved."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with tempfile.TemporaryDirectory(prefix=".gh", dir=path.parent) as folder:
            made = Path(folder) / "s"
            here = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                # By the folder's descriptor: its path may be too long.
                listener.bind(f"/proc/self/fd/{here}/s" if os.path.exists("/proc/self/fd") else str(made))
            finally:
                os.close(here)
            made.chmod(0o600)
            identity = made.stat().st_ino
            made.replace(path)
    except OSError as error:
        listener.close()
        raise UsageError(f"--serve-socket-file: {path} cannot be made: {error.strerror or error}") from error
    listener.setblocking(False)
    return listener, identity


@asynccontextmanager
async def _on_port(settings: ControlSettings, met: Met) -> AsyncIterator[None]:
    try:
        server = await asyncio.start_server(
            met, settings.tcp_host, settings.tcp_port, limit=_LONGEST_LINE, backlog=_WAITING
        )
    except OSError as error:
        raise UsageError(
            f"--serve-tcp-port: {settings.tcp_host}:{settings.tcp_port} cannot be listened on: {error.strerror or error}"
        ) from error
    try:
        yield
    finally:
        server.close()


class _Clients:
    """Who is connected."""

    def __init__(self, desk: Desk, moments: Moments) -> None:
        self._desk = desk
        self._moments = moments
        self._served: set[asyncio.Task[None]] = set()

    async def met(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, token: str = "") -> None:
        task = asyncio.current_task()
        assert task is not None
        self._served.add(task)
        try:
            if len(self._served) > _CLIENTS:
                writer.write(b"too many connections at once; try again\n")
            else:
                writer.write((await self._answer(reader, token)).encode(errors="replace"))
            async with asyncio.timeout(_ANSWER_WITHIN):
                await writer.drain()
            if writer.can_write_eof():
                writer.write_eof()
            await _swallowed(reader)
        except (OSError, TimeoutError):
            pass  # the client is gone, or does not read
        finally:
            self._served.discard(task)
            writer.transport.abort() if writer.transport.get_write_buffer_size() else writer.close()
            # How the connection ended must be asked for, or asyncio complains that nobody did.
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(_CLOSED_WITHIN):
                    await writer.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, token: str) -> str:
        try:
            async with asyncio.timeout(_LINE_WITHIN):
                line = await reader.readuntil(b"\n")
        except asyncio.IncompleteReadError as ended:
            line = ended.partial
        except asyncio.LimitOverrunError:
            return f"a command has {_LONGEST_LINE} bytes at most\n"
        except TimeoutError:
            return f"no command came within {_LINE_WITHIN:.0f} s\n"
        try:
            text = line.decode().strip()
        except UnicodeDecodeError:
            return "a command is text in UTF-8\n"
        if not text.isprintable():
            return "a command is one line of printable text\n"
        try:
            return f"{await self._carried_out(_without_token(text, token))}\n"
        except Refused as refused:
            return f"{refused}\n"

    async def _carried_out(self, text: str) -> str:
        name, argument = parsed(text)
        if not name:
            raise Refused("no command; try help")
        if known(name):
            try:
                await self._moments.reached(Moment.INTERACTIVE_COMMAND, name)
            except HookFailed as failure:
                raise Refused(failure.message) from failure
        answer = await answered(self._desk, name, argument)
        if changes(name, argument):
            self._desk.tell(f"operator: {text}")
        return answer

    async def end(self) -> None:
        """Let those who are being answered have their answer, but not for long."""
        served = [task for task in self._served if task is not asyncio.current_task()]
        if served:
            await asyncio.wait(served, timeout=0.2)
        for task in served:
            task.cancel()
        await asyncio.gather(*served, return_exceptions=True)


def _without_token(text: str, token: str) -> str:
    """The command behind `token=…`. Raises Refused where the token is wrong."""
    if not token:
        return text
    given, _, rest = text.removeprefix("token=").partition(" ")
    if not text.startswith("token=") or not hmac.compare_digest(given.encode(), token.encode()):
        raise Refused("a command over TCP begins with token=… here")
    return rest


async def _swallowed(reader: asyncio.StreamReader) -> None:
    """Read what the client still sends: a socket that is closed over it would take our answer away with it."""
    left = _SWALLOWED
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_SWALLOWED_WITHIN):
            while left > 0 and (data := await reader.read(_LONGEST_LINE)):
                left -= len(data)
