"""From the flags to where commands are taken."""

from __future__ import annotations

import ipaddress
from pathlib import Path

from ghostpy.cli.conf_file import read_small_file
from ghostpy.cli.flags import FlagValues
from ghostpy.cli.redaction import remember_secret
from ghostpy.errors import UsageError
from ghostpy.settings import ControlSettings, TargetSettings

_SHORTEST_TOKEN = 16


def control_settings(values: FlagValues, target: TargetSettings) -> ControlSettings:
    """Raises UsageError where TCP is asked for in a way that lets strangers in."""
    port, host = values.whole("serve-tcp-port"), values.text("serve-tcp-host")
    if not 0 <= port < 65536:
        raise UsageError(f"--serve-tcp-port must be between 0 and 65535, not {port}.")
    token = _token(values.text("serve-tcp-token-file"))
    if port and not token and not _is_here(host):
        raise UsageError(
            f"--serve-tcp-host={host} lets others than this machine in.", hint="Add --serve-tcp-token-file."
        )
    socket_file = values.text("serve-socket-file")
    return ControlSettings(
        socket_file=Path(socket_file) if socket_file else None,
        database=target.database,
        table=target.table,
        drop_socket_file=values.switch("initially-drop-socket-file"),
        tcp_host=host,
        tcp_port=port,
        tcp_token=token,
        named_cut_over=values.switch("force-named-cut-over"),
        named_panic=values.switch("force-named-panic"),
    )


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _token(path: str) -> str:
    if not path:
        return ""
    lines = read_small_file(path, "--serve-tcp-token-file").splitlines()
    token = lines[0].strip() if lines else ""
    if len(token) < _SHORTEST_TOKEN or not token.isascii() or " " in token:
        raise UsageError(
            f"--serve-tcp-token-file: the first line of {path} must be {_SHORTEST_TOKEN} characters or more, without blanks."
        )
    remember_secret(token)
    return token
