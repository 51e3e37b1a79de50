"""Can this server be followed, and its names exchanged?"""

from __future__ import annotations

from ghostpy.dialects.mysql.facts import ServerFacts
from ghostpy.dialects.mysql.session import Session
from ghostpy.model.finding import Finding
from ghostpy.settings import TopologySettings

ENGINES = frozenset({"innodb"})


def server_findings(facts: ServerFacts, topology: TopologySettings) -> list[Finding]:
    """What the server's settings rule out."""
    findings = []
    if facts.flavour != "mariadb" and not facts.renames_under_lock:
        findings.append(
            Finding(
                "server-version",
                f"the server is {facts.version}: exchanging names under the lock needs MySQL 8.0.13 or later",
                "Not possible with this version of ghostpy.",
            )
        )
    if not facts.log_bin:
        findings.append(
            Finding(
                "binlog-off",
                "the server writes no binary log (log_bin=OFF), so changes cannot be followed",
                "Restart it with --log-bin.",
            )
        )
    elif facts.binlog_format != "ROW":
        findings.append(
            Finding(
                "binlog-format",
                f"the binary log holds statements, not rows (binlog_format={facts.binlog_format})",
                "SET GLOBAL binlog_format = 'ROW', and let the application's sessions reconnect.",
            )
        )
    if facts.event_compression:
        findings.append(
            Finding(
                "binlog-compressed",
                "the server compresses the events of its binary log (log_bin_compress=ON), which are not read here",
                "SET GLOBAL log_bin_compress = OFF for the time of the change.",
            )
        )
    if topology.on_replica:
        findings += _replica_findings(facts, topology)
    elif facts.read_only:
        findings.append(Finding("read-only", "the server is read-only (a replica?)", "Connect to the primary."))
    return findings


def _replica_findings(facts: ServerFacts, topology: TopologySettings) -> list[Finding]:
    findings = []
    if topology.on_replica == "test" and not facts.renames_under_lock:
        findings.append(
            Finding(
                "trial-exchange",
                f"a trial needs an exchange on one session, which {facts.version} does not have",
                "Try the change with --migrate-on-replica on a replica that can be thrown away.",
            )
        )
    if facts.super_read_only:
        findings.append(
            Finding(
                "super-read-only",
                "nobody may write on the replica (super_read_only=ON)",
                "SET GLOBAL super_read_only = OFF there for the time of the change.",
            )
        )
    if not facts.replica_updates and not topology.without_replica_updates:
        findings.append(
            Finding(
                "replica-updates",
                "the replica does not write what it replicates to its own binary log (log_replica_updates=OFF), so changes cannot be followed",
                "Restart it with --log-replica-updates.",
            )
        )
    return findings


async def binlog_filter_findings(session: Session, facts: ServerFacts) -> list[Finding]:
    """Filters keep changes out of the stream."""
    if not facts.log_bin:
        return []
    rows = await session.query(facts.binlog_status, doing="asking for the binlog's position")
    filters = [str(value) for value in rows[0][2:4] if value] if rows else []
    if not filters:
        return []
    return [
        Finding(
            "binlog-filter",
            f"the binary log is filtered (binlog_do_db/binlog_ignore_db: {', '.join(filters)}): changes may be missing from it",
            "Restart the server without the filter.",
        )
    ]
