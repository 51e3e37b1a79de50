"""A program of its own that runs one server, and ends it when its owner is gone.

Usage: guard.py FOLDER UID GID END_SIGNAL COMMAND…

The owner is the process at the other end of our standard input. Each byte it writes is the number of a
signal for the server; that it closed its end (on purpose, or because it died, even by SIGKILL) means: end
the server with END_SIGNAL, remove FOLDER. We print the server's process id, and exit as the server did.
Should we be killed ourselves, the kernel ends the server.

Not a thread and not a pre-exec hook of the owner, because the kernel's own "signal me when my parent dies"
is bound to the parent's *thread*, and the server must outlive the thread it was started from.
"""

from __future__ import annotations

import ctypes
import os
import select
import shutil
import signal
import sys
import time
from contextlib import suppress

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_PATIENCE = 10.0  # seconds for END_SIGNAL to work, before SIGKILL
_LOOK = 1.0  # seconds; a fork of the owner may hold its end of our input when the owner is gone
_SIGNALS = (signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


def main() -> int:
    """Run the server until it ends, or until we have to end it."""
    owner = os.getppid()
    folder, uid, gid, end_signal = sys.argv[1], *map(int, sys.argv[2:5])
    woken = _wake_on_signals()
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)  # what the server leaves behind becomes our child
    server = os.fork()
    if server == 0:
        _become(sys.argv[5:], uid, gid, end_signal)
    print(server, flush=True)
    os.close(1)
    while True:
        if (code := _exit_code(server)) is not None:
            _end_children()
            return code
        ready, _, _ = select.select([0, woken], [], [], _LOOK)
        ended_by = set(os.read(woken, 64)) - {signal.SIGCHLD} if woken in ready else set()
        order = os.read(0, 1) if 0 in ready else None
        if order == b"" or ended_by or os.getppid() != owner:
            _end(server, end_signal)
            _end_children()
            shutil.rmtree(folder, ignore_errors=True)
            return 0
        if order:
            os.kill(server, order[0])


def _wake_on_signals() -> int:
    """Return a descriptor that becomes readable, with the signal's number, when one arrives."""
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    for each in _SIGNALS:
        signal.signal(each, lambda *_: None)
    return woken


def _become(command: list[str], uid: int, gid: int, end_signal: int) -> None:
    guard = os.getppid()
    os.dup2(2, 1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))  # among them the folder's lock: it must not outlive the guard
    for each in _SIGNALS:
        signal.signal(each, signal.SIG_DFL)
    try:
        if os.geteuid() != uid:
            os.setgroups([])
            os.setgid(gid)
            os.setuid(uid)
        _prctl(_PR_SET_PDEATHSIG, end_signal)  # last: the kernel forgets it when the user changes
        if os.getppid() == guard:
            os.execv(command[0], command)
    except OSError as error:
        print(f"{command[0]}: {error}", file=sys.stderr)
    os._exit(127)


def _prctl(option: int, value: int) -> None:
    ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _exit_code(server: int) -> int | None:
    pid, status = os.waitpid(server, os.WNOHANG)
    if not pid:
        return None
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _end(server: int, end_signal: int) -> None:
    deadline = time.monotonic() + _PATIENCE
    os.kill(server, end_signal)
    while _exit_code(server) is None:
        if time.monotonic() > deadline:
            os.kill(server, signal.SIGKILL)
        time.sleep(0.01)


def _end_children() -> None:
    """Kill what a killed server left behind (PostgreSQL's sessions), and wait until all are gone."""
    with suppress(ChildProcessError):
        while True:
            for child in _children():
                os.kill(child, signal.SIGKILL)
            os.waitpid(-1, 0)


def _children() -> list[int]:
    us = os.getpid()
    with suppress(OSError), open(f"/proc/{us}/task/{us}/children") as file:
        return [int(pid) for pid in file.read().split()]
    return []


if __name__ == "__main__":
    sys.exit(main())
