"""The tools that make one and the same change: ghostpy, the server itself, and others that the machine has."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

from ghostpy import sandbox

POSTGRES = 15
"""The major that Debian 12 has pg_repack and pgbench for."""
TABLE = {"mysql": "sbtest1", "postgres": "pgbench_accounts"}
CHANGED = {"mysql": ("extra", "bigint"), "postgres": ("aid", "bigint")}
"""The column that the change makes, and its type."""
_ALTER = {"mysql": "ADD COLUMN extra BIGINT NOT NULL DEFAULT 0", "postgres": "ALTER COLUMN aid TYPE bigint"}

Tool: TypeAlias = list[str] | str
"""A command line, or a statement for the server."""


def tools_for(server: sandbox.Server, gh_ost: Path | None) -> Mapping[str, Tool]:
    """By name; what the machine does not have is left out."""
    kind = server.kind
    alter, table = _ALTER[kind], TABLE[kind]
    address = server.url if kind == "postgres" else f"{server.url}/bench"
    # A run that was ended at the limit must not be gone on with.
    ghostpy = [
        sys.executable, "-m", "ghostpy", "migrate", f"--url={address}", f"--table={table}", f"--alter={alter}",
        "--execute", "--quiet", "--ok-to-drop-table", "--restart",
    ]  # fmt: skip
    tools: dict[str, Tool] = {
        "ghostpy": ghostpy,
        "ghostpy, --verify=off": [*ghostpy, "--verify=off"],
        "ghostpy, --max-impact=0": [*ghostpy, "--max-impact=0"],
    }
    if isinstance(server, sandbox.PostgresServer):
        tools["native"] = f"ALTER TABLE {table} {alter}"
        if repack := _pg_repack(server):
            tools["pg_repack"] = repack
        return tools
    tools["native, COPY"] = f"ALTER TABLE bench.{table} {alter}, ALGORITHM=COPY"
    if peer := shutil.which("pt-online-schema-change"):
        place = f"h={server.host},P={server.port},u={server.user},D=bench,t={table}"
        tools["pt-online-schema-change"] = [
            peer, "--execute", "--alter", alter, "--no-version-check", "--recursion-method=none", place,
        ]  # fmt: skip
    if gh_ost:
        tools["gh-ost"] = [
            str(gh_ost), f"--host={server.host}", f"--port={server.port}", f"--user={server.user}", "--database=bench",
            f"--table={table}", f"--alter={alter}", "--allow-on-master", "--assume-rbr", "--ok-to-drop-table",
            "--initially-drop-ghost-table", "--initially-drop-old-table", "--initially-drop-socket-file", "--execute",
        ]  # fmt: skip
    return tools


def _pg_repack(server: sandbox.PostgresServer) -> list[str] | None:
    """Its command, where the server has the extension of that name. It cannot change columns, and makes the table anew as it is."""
    (found,) = server.execute("SELECT count(*) AS n FROM pg_available_extensions WHERE name = 'pg_repack'")
    program = shutil.which("pg_repack", path=f"/usr/lib/postgresql/{POSTGRES}/bin") or shutil.which("pg_repack")
    if not found["n"] or not program:
        return None
    server.execute("CREATE EXTENSION IF NOT EXISTS pg_repack")
    return [
        *(program, "--host", server.host, "--port", str(server.port), "--username", server.user),
        *("--dbname", "postgres", "--no-order", "--table", f"public.{TABLE['postgres']}"),
    ]
