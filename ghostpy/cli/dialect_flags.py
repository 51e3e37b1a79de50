"""Flags that mean something else, or nothing, to one kind of server."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from ghostpy.cli.flag import Flag, Status

_MYSQL_ONLY = "only a postgresql:// server has it"
_TRIGGERS = "triggers are always carried over, under their own names"
_REPLICAS = "a standby of PostgreSQL cannot be written; name the primary, or several hosts and target_session_attrs"
_FOREIGN_KEYS = "foreign keys are always looked for, and carried over"

ELSEWHERE: Mapping[str, Mapping[str, tuple[Status, str]]] = {
    "mysql": {
        "stream-reader": (Status.REFUSED, _MYSQL_ONLY),
        "refresh-materialized-views": (Status.REFUSED, _MYSQL_ONLY),
        "allow-all-tables-publication": (Status.REFUSED, _MYSQL_ONLY),
    },
    "postgres": {
        "attempt-instant-ddl": (Status.NO_OP, "the cheapest safe way is always looked for; see --strategy"),
        "storage-engine": (Status.REFUSED, "PostgreSQL has no storage engines"),
        "replica-server-id": (Status.NO_OP, "changes are followed through a replication slot, which needs no number"),
        "gtid": (Status.NO_OP, "changes are followed by their place in the WAL"),
        "assume-rbr": (Status.NO_OP, "logical decoding always shows rows"),
        "switch-to-rbr": (Status.REFUSED, "PostgreSQL has no binlog_format; it needs wal_level = logical"),
        **dict.fromkeys(
            (
                "assume-master-host",
                "master-user",
                "master-password",
                "allow-master-master",
                "tungsten",
                "test-on-replica",
                "test-on-replica-skip-replica-stop",
                "migrate-on-replica",
            ),
            (Status.REFUSED, _REPLICAS),
        ),
        "defer-secondary-indexes": (Status.NO_OP, "all indexes are built after the copy"),
        "skip-renamed-columns": (Status.REFUSED, "the values of renamed columns always come along"),
        "allow-zero-in-date": (Status.NO_OP, "PostgreSQL has no zero dates"),
        "discard-foreign-keys": (Status.REFUSED, "foreign keys are always carried over"),
        "skip-foreign-key-checks": (Status.NO_OP, _FOREIGN_KEYS),
        "include-triggers": (Status.NO_OP, _TRIGGERS),
        "trigger-suffix": (Status.NO_OP, _TRIGGERS),
        "remove-trigger-suffix-if-exists": (Status.NO_OP, _TRIGGERS),
    },
}
"""By kind of server: what becomes of these flags there, and why."""


def as_on(flag: Flag, dialect: str) -> Flag:
    """The flag as this kind of server has it."""
    if flag.name not in ELSEWHERE[dialect]:
        return flag
    status, reason = ELSEWHERE[dialect][flag.name]
    return replace(flag, status=status, reason=reason)
