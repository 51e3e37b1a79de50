"""What is asked once about a server."""

from __future__ import annotations

import re

from msgspec import Struct

from ghostpy.dialects.mysql.session import Session


class ServerFacts(Struct, frozen=True):
    """A server's version and the settings that decide how it is followed and read."""

    version: str
    flavour: str
    """`mysql`, `percona` or `mariadb`."""
    numbers: tuple[int, int, int]
    gtid_mode: bool
    log_bin: bool
    binlog_format: str
    row_image: str
    row_value_options: str
    transaction_compression: bool
    event_compression: bool
    """MariaDB's log_bin_compress: events of kinds of their own."""
    sql_mode: str
    time_zone: str
    server_id: int
    read_only: bool
    super_read_only: bool
    replica_updates: bool
    """Whether a replica writes what it replicates to its own binlog."""
    lower_case_table_names: int
    commits_ordered: bool
    """Whether transactions become visible in the order of the binlog."""

    @property
    def waits_by_gtid(self) -> bool:
        """Whether the server can be asked to wait for transactions by their GTIDs."""
        return self.gtid_mode and self.flavour != "mariadb"

    @property
    def reads_fenced(self) -> bool:
        """Whether it can be waited for that what the binlog shows is visible; if not, reads must lock their rows (design, race 1)."""
        return self.waits_by_gtid or self.commits_ordered

    @property
    def renames_under_lock(self) -> bool:
        """Whether the session that holds LOCK TABLES may RENAME them ("RENAME TABLE Statement": from 8.0.13; not MariaDB)."""
        return self.flavour != "mariadb" and self.numbers >= (8, 0, 13)

    @property
    def binlog_status(self) -> str:
        """The statement that tells the end of the binlog."""
        new = self.flavour != "mariadb" and self.numbers >= (8, 2, 0)
        return "SHOW BINARY LOG STATUS" if new else "SHOW MASTER STATUS"


def identity_question(*, mariadb: bool) -> str:
    """The expression that tells one server from others."""
    return "CONCAT_WS(':', @@hostname, @@port, @@server_id)" if mariadb else "@@server_uuid"


_VARIABLES = (
    "gtid_mode", "log_bin", "binlog_format", "binlog_row_image", "binlog_row_value_options", "sql_mode", "time_zone",
    "binlog_transaction_compression", "server_id", "read_only", "super_read_only", "version_comment",
    "lower_case_table_names", "log_bin_compress", "log_replica_updates",
    "log_slave_updates", "binlog_order_commits",
)  # fmt: skip


async def server_facts(session: Session) -> ServerFacts:
    """Ask the server. Raises ServerGone, MissingPrivilege."""
    version = str(await session.scalar("SELECT VERSION()", doing="asking for the server's version"))
    wanted = ",".join(f"'{variable}'" for variable in _VARIABLES)
    rows = await session.query(f"SHOW GLOBAL VARIABLES WHERE Variable_name IN ({wanted})", doing="asking for settings")
    value = {str(row[0]): str(row[1]) for row in rows}
    comment = value.get("version_comment", "").lower()
    flavour = "mariadb" if "mariadb" in (version + comment).lower() else "percona" if "percona" in comment else "mysql"
    found = re.match(r"(\d+)\.(\d+)\.(\d+)", version)
    return ServerFacts(
        version=version,
        flavour=flavour,
        numbers=(int(found[1]), int(found[2]), int(found[3])) if found else (0, 0, 0),
        gtid_mode=value.get("gtid_mode", "OFF") == "ON",
        log_bin=value.get("log_bin", "OFF") in ("ON", "1"),
        # The variable is gone where ROW is the only format left.
        binlog_format=value.get("binlog_format", "ROW").upper(),
        row_image=value.get("binlog_row_image", "FULL").upper(),
        row_value_options=value.get("binlog_row_value_options", ""),
        transaction_compression=value.get("binlog_transaction_compression", "OFF") == "ON",
        event_compression=value.get("log_bin_compress", "OFF") == "ON",
        sql_mode=value.get("sql_mode", ""),
        time_zone=value.get("time_zone", "SYSTEM"),
        server_id=int(value.get("server_id", "0")),
        read_only="ON" in (value.get("read_only"), value.get("super_read_only")),
        super_read_only=value.get("super_read_only") == "ON",
        replica_updates="ON" in (value.get("log_replica_updates"), value.get("log_slave_updates")),
        lower_case_table_names=int(value.get("lower_case_table_names", "0")),
        commits_ordered=flavour == "mariadb" or value.get("binlog_order_commits", "OFF") == "ON",
    )
