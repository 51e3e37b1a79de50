"""Has our account what a run needs? Read off SHOW GRANTS, so that nothing is created only to find out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ghostpy.dialects.mysql.session import Session
from ghostpy.model.finding import Finding, Severity
from ghostpy.model.names import TableName

ON_TABLES = ("ALTER", "CREATE", "DELETE", "DROP", "INDEX", "INSERT", "LOCK TABLES", "SELECT", "TRIGGER", "UPDATE")
"""TRIGGER, because triggers are hidden from accounts without it, and what is hidden cannot be refused."""
FOR_BACKFILL = ("CREATE", "DROP", "INSERT", "SELECT", "UPDATE")
"""What updating rows in place needs of these: the ledger is a table, too."""
FOR_EXPANSION = (*ON_TABLES, "CREATE TEMPORARY TABLES")
"""What an expansion needs: its contraction ends with a migration, and its rehearsal has a table of its own."""
ON_SERVER = ("REPLICATION CLIENT", "REPLICATION SLAVE")
FOR_REPLICAS_OF_MARIADB = "REPLICATION MASTER ADMIN"
"""Without it MariaDB refuses SHOW SLAVE HOSTS (since 10.5.2, MariaDB Knowledge Base)."""

_GRANT = re.compile(r"^(GRANT|REVOKE) (.+?) ON (?:TABLE )?(.+?) (?:TO|FROM) ", re.DOTALL)
# What older and newer servers call the same right.
_SAME = {"BINLOG MONITOR": "REPLICATION CLIENT", "REPLICATION REPLICA": "REPLICATION SLAVE"}


async def granted(session: Session) -> list[str]:
    """The lines of SHOW GRANTS for our account, active roles included."""
    roles = str(await session.scalar("SELECT CURRENT_ROLE()", doing="asking for privileges"))
    using = f" USING {roles}" if roles not in ("NONE", "None", "") else ""
    rows = await session.query(f"SHOW GRANTS FOR CURRENT_USER(){using}", doing="asking for privileges")
    return [str(row[0]) for row in rows]


def privilege_findings(missing: Sequence[str], source: TableName) -> list[Finding]:
    """A finding that names all that is missing, or none."""
    if not missing:
        return []
    scopes = {
        f"`{source.schema}`.*": (*ON_TABLES, "CREATE TEMPORARY TABLES"),
        "*.*": (*ON_SERVER, FOR_REPLICAS_OF_MARIADB),
    }
    grants = [
        f"{', '.join(names)} ON {scope}"
        for scope, known in scopes.items()
        if (names := [name for name in missing if name in known])
    ]
    return [
        Finding("missing-privilege", f"the account lacks {', '.join(missing)}", f"GRANT {' and '.join(grants)} to it.")
    ]


def hidden_findings(grants: Iterable[str], source: TableName) -> list[Finding]:
    """A warning where foreign keys of other databases' tables to the source would not be shown to our account."""
    everywhere = {
        name for line in grants if (found := _GRANT.match(line)) and found[3] == "*.*" for name in _names(found)
    }
    if everywhere & {"ALL PRIVILEGES", "SELECT", "REFERENCES"}:
        return []
    return [
        Finding(
            "foreign-keys-hidden",
            f"foreign keys to {source} from tables of other databases would not be seen: the account has no privilege there. "
            "They would follow the old table",
            "GRANT REFERENCES ON *.* to it, or make sure that there are none.",
            Severity.WARN,
        )
    ]


def _names(found: re.Match[str]) -> set[str]:
    listed = re.sub(r"\([^)]*\)", "", found[2]).upper().replace(", ", ",").split(",")
    return {_SAME.get(name, name) for name in listed}


def missing_privileges(
    grants: Iterable[str], schema: str, *, mariadb: bool = False, on_tables: Sequence[str] = ON_TABLES
) -> list[str]:
    """Which of the needed privileges the lines of SHOW GRANTS do not give on the tables of `schema` and on the server."""
    for_server = (*ON_SERVER, FOR_REPLICAS_OF_MARIADB) if mariadb else ON_SERVER
    on_server: set[str] = set()
    on_schema: set[str] = set()
    taken: set[str] = set()
    for line in grants:
        found = _GRANT.match(line)
        if not found:
            continue
        names = _names(found)
        scope = found[3]
        if found[1] == "REVOKE":
            if _covers(scope, schema):
                taken |= names
        elif scope == "*.*":
            on_server |= names
        elif _covers(scope, schema):
            on_schema |= names
    if "ALL PRIVILEGES" in on_server:
        on_server |= {*for_server, *ON_TABLES, *on_tables}
    if "ALL PRIVILEGES" in on_schema:
        on_schema |= {*ON_TABLES, *on_tables}
    usable = (on_server - taken) | on_schema
    return [name for name in on_tables if name not in usable] + [name for name in for_server if name not in on_server]


def _covers(scope: str, schema: str) -> bool:
    """Whether `scope` is all of `schema`; database names in grants are LIKE patterns."""
    found = re.fullmatch(r"`((?:[^`]|``)*)`\.\*", scope)
    if not found:
        return False
    pattern = "".join(
        re.escape(part[1])
        if part.startswith("\\") and len(part) > 1
        else ".*"
        if part == "%"
        else "."
        if part == "_"
        else re.escape(part)
        for part in re.findall(r"\\.|.", found[1].replace("``", "`"), re.DOTALL)
    )
    return re.fullmatch(pattern, schema, re.IGNORECASE | re.DOTALL) is not None
