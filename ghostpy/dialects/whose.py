"""Which process a run is: noted in its ledger, so that people know where to look for it."""

from __future__ import annotations

import os
import socket

ROW = "run"
"""The ledger's row that says so."""


def this_run() -> str:
    """Where this process is, for people."""
    return f"{socket.gethostname()}, process {os.getpid()}"
