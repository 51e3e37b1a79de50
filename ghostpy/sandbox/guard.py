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

_PR_SET_PDEATHSIG = 1
_PATIENCE = 10.0  # seconds for END_SIGNAL to work, before SIGKILL


def main() -> int:
    """Run the server until it ends, or until we have to end it."""
    folder, uid, gid, end_signal = sys.argv[1], *map(int, sys.argv[2:5])
    woken = _wake_on(signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
    server = os.fork()
    if server == 0:
        _become(sys.argv[5:], uid, gid, end_signal)
    print(server, flush=True)
    os.close(1)
    while True:
        if (status := _ended(server)) is not None:
            return status
        ready, _, _ = select.select([0, woken], [], [])
        ended_by = set(os.read(woken, 64)) - {signal.SIGCHLD} if woken in ready else set()
        order = os.read(0, 1) if 0 in ready else None
        if order == b"" or ended_by:
            _end(server, end_signal)
            _remove(folder)
            return 0
        if order:
            os.kill(server, order[0])


def _wake_on(*signals: signal.Signals) -> int:
    """Return a descriptor that becomes readable, with the signal's number, when one of `signals` arrives."""
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    for each in signals:
        signal.signal(each, lambda *_: None)
    return woken


def _become(command: list[str], uid: int, gid: int, end_signal: int) -> None:
    guard = os.getppid()
    os.dup2(2, 1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.closerange(3, 256)  # among them the folder's lock: it must not outlive us
    for each in (signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(each, signal.SIG_DFL)
    try:
        if os.geteuid() == 0:
            os.setgroups([])
            os.setgid(gid)
            os.setuid(uid)
        # Last, because the kernel forgets it when the user changes.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, end_signal)
        if os.getppid() == guard:
            os.execv(command[0], command)
    except OSError as error:
        print(f"{command[0]}: {error}", file=sys.stderr)
    os._exit(127)


def _ended(server: int) -> int | None:
    pid, status = os.waitpid(server, os.WNOHANG)
    if not pid:
        return None
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _end(server: int, end_signal: int) -> None:
    deadline = time.monotonic() + _PATIENCE
    os.kill(server, end_signal)
    while _ended(server) is None:
        if time.monotonic() > deadline:
            os.kill(server, signal.SIGKILL)
        time.sleep(0.01)


def _remove(folder: str) -> None:
    for _ in range(20):  # children of the server may still be at their last writes
        shutil.rmtree(folder, ignore_errors=True)
        if not os.path.exists(folder):
            return
        time.sleep(0.1)


if __name__ == "__main__":
    sys.exit(main())
