"""Says a command to a run, and returns its answer. Blocks."""

from __future__ import annotations

import socket
from pathlib import Path

from ghostpy.errors import ConnectionFailed

_WITHIN = 10.0


def asked(path: Path, line: str, *, within: float = _WITHIN) -> str:
    """The whole answer to `line`, of the run that is served at `path`. Raises ConnectionFailed."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(within)
            connection.connect(str(path))
            connection.sendall(line.encode() + b"\n")
            connection.shutdown(socket.SHUT_WR)
            pieces = []
            while piece := connection.recv(65_536):
                pieces.append(piece)
    except OSError as error:
        raise ConnectionFailed(
            f"{path}: {error.strerror or error}", hint="`ghostpy list` shows the runs on this host."
        ) from error
    return b"".join(pieces).decode(errors="replace")
