"""`ghostpy top` on a terminal: it is left by q or Ctrl-C, and the terminal is as it was."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import termios
import time

import pytest

_WITHIN = 30.0


@pytest.mark.parametrize("key", [b"q", b"\x03", b"\x1b[A, then Q"], ids=["q", "Ctrl-C", "others, then q"])
def test_it_is_left_by_a_key(key: bytes) -> None:
    ours, theirs = pty.openpty()
    before = termios.tcgetattr(theirs)
    process = subprocess.Popen(
        [sys.executable, "-m", "ghostpy", "top", "--interval=600"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=lambda: os.close(os.open(os.ttyname(0), os.O_RDWR)),  # its own terminal, for Ctrl-C
        env={**os.environ, "TERM": "xterm"},
    )
    try:
        shown = b""
        deadline = time.monotonic() + _WITHIN
        while b"There is no run" not in shown:
            assert time.monotonic() < deadline, shown
            if select.select([ours], [], [], 0.1)[0]:
                shown += os.read(ours, 65_536)
        assert process.poll() is None
        os.write(ours, key)
        assert process.wait(_WITHIN) == 0
        assert termios.tcgetattr(theirs) == before
    finally:
        process.kill()
        process.wait()
        os.close(ours)
        os.close(theirs)
