"""`ghostpy sandbox`: hold throwaway servers until Ctrl-C."""

from __future__ import annotations

import argparse
import logging
import signal
import time
from collections.abc import Sequence

from ghostpy import sandbox
from ghostpy.errors import UsageError

_STARTERS = {"mysql": sandbox.mysql, "mariadb": sandbox.mariadb}


def run(argv: Sequence[str]) -> int:
    """Start a server and its replicas, print their addresses, and stay until a signal ends us."""
    wanted = _parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")  # the first start takes a while: say why
    options = dict(map(_option, wanted.option))
    for each in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.default_int_handler)  # all the same to us as Ctrl-C
    try:
        with _start(wanted.kind, wanted.version, options) as server:
            print(server.url, flush=True)
            for _ in range(wanted.replicas):
                print(f"{server.replica().url} (replica)", flush=True)
            print("Ctrl-C ends and removes all of it.", flush=True)
            while server.running:
                time.sleep(0.5)
            raise sandbox.SandboxError(f"the server ended by itself:\n{server.log_tail()}")
    except KeyboardInterrupt:
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ghostpy sandbox",
        description="Start a throwaway database server on a free port, and remove it on Ctrl-C.",
    )
    parser.add_argument("kind", choices=["mysql", "mariadb", "postgres"])
    parser.add_argument("--version", help="series to run, e.g. 9.7, 10.11, 15 (default: what is there)")
    parser.add_argument("--replicas", type=int, default=0, metavar="N", help="add N replicas")
    parser.add_argument(
        "--option", action="append", default=[], metavar="NAME=VALUE", help="server option; may be repeated"
    )
    return parser


def _option(text: str) -> tuple[str, str | None]:
    name, given, value = text.partition("=")
    return name, value if given else None


def _start(kind: str, version: str | None, options: sandbox.Options) -> sandbox.Server:
    if kind in _STARTERS:
        return _STARTERS[kind](options, version=version)
    if version is None:
        return sandbox.postgres(options)
    if not version.isdecimal():
        raise UsageError(f"PostgreSQL's versions are whole numbers, such as 18, not {version}")
    return sandbox.postgres(options, version=int(version))
