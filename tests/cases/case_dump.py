"""All that is defined in a PostgreSQL database, as pg_dump tells it: columns, indexes, constraints, triggers, rules, policies, grants, owners,
comments, statistics, publications, storage, views; in an order that says nothing of when it was made."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path

from ghostpy.sandbox import postgres_lookup

_PIECE = re.compile(r"^--\n-- (?=(?:Name|Data for Name): )", re.MULTILINE)
# Said again in the head of the piece: settings of the session, which stand where they change.
_SETTINGS = re.compile(
    r"^(?:SET default_tablespace|SET default_table_access_method|\\(?:un)?restrict ).*\n", re.MULTILINE
)
# The server's own count of changes to a column (from 15.20), which older dumps take for an option of the user's.
_VERSIONS = re.compile(
    r"^ALTER TABLE ONLY .* SET \(pg_attver=\d+\);\n|\bpg_attver=\d+, |, pg_attver=\d+\b", re.MULTILINE
)
_GRANTS = re.compile(r"Type: (?:DEFAULT )?ACL;")
_GRANT = re.compile(
    r"^(?:SET SESSION AUTHORIZATION [^\n]*;\n.*?^RESET SESSION AUTHORIZATION;|(?:GRANT|REVOKE|ALTER DEFAULT) [^\n]*;)$",
    re.MULTILINE | re.DOTALL,
)
_PATIENCE = 60.0


def dumped(url: str, *, without_schemas: tuple[str, ...] = ()) -> str:
    """Everything in the database at `url` but for what is in `without_schemas`."""
    quoted = ['"' + schema.replace('"', '""') + '"' for schema in without_schemas]
    done = subprocess.run(
        [*_program(), "--schema-only", f"--dbname={url}", *(f"--exclude-schema={schema}" for schema in quoted)],
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return _in_order(done.stdout)


@cache
def _program() -> list[str]:
    """The newest: it dumps from older servers, too."""
    return postgres_lookup.find().command("pg_dump", Path())


def _in_order(text: str) -> str:
    _, *pieces = _PIECE.split(_VERSIONS.sub("", _SETTINGS.sub("", text)))
    return "\n\n".join(sorted(map(_piece, pieces)))


def _piece(piece: str) -> str:
    head, _, body = piece.partition("\n")
    body = body.removeprefix("--\n").partition("\n--\n-- PostgreSQL database dump complete")[0]
    if _GRANTS.search(head):
        body = "\n".join(sorted(_GRANT.findall(body)))
    return f"-- {head}\n{body.strip()}"
