"""What is asked once about a server."""

from __future__ import annotations

from msgspec import Struct

from ghostpy.dialects.postgres.session import Session


class ServerFacts(Struct, frozen=True):
    """A server's version and the settings that decide how it is followed and read."""

    version: str
    number: int
    """As server_version_num: 150018."""
    wal_level: str
    in_recovery: bool
    read_only: bool
    max_slots: int
    used_slots: int
    max_senders: int
    used_senders: int
    slot_keep_mb: int
    """max_slot_wal_keep_size; -1: without limit."""
    time_zone: str
    encoding: str
    database: str
    user: str
    superuser: bool
    replication: bool
    """Whether the user may replicate."""
    standbys: int
    """Walsenders of physical standbys that are connected now."""

    @property
    def major(self) -> int:
        return self.number // 10000

    @property
    def column_lists(self) -> bool:
        """Whether a publication can name columns ("CREATE PUBLICATION": from 15)."""
        return self.major >= 15


_QUESTION = """
SELECT current_setting('server_version'), current_setting('server_version_num')::int,
       CASE WHEN current_setting('server_version_num')::int >= 190000
            THEN current_setting('effective_wal_level', true) ELSE current_setting('wal_level') END,
       pg_is_in_recovery(), current_setting('transaction_read_only')::bool,
       current_setting('max_replication_slots')::int, (SELECT count(*) FROM pg_replication_slots),
       current_setting('max_wal_senders')::int, (SELECT count(*) FROM pg_stat_replication),
       (SELECT setting::int FROM pg_settings WHERE name = 'max_slot_wal_keep_size'),
       current_setting('TimeZone'), current_setting('server_encoding'), current_database(), current_user,
       rolsuper, rolreplication OR rolsuper OR coalesce(pg_has_role(
           (SELECT oid FROM pg_roles WHERE rolname = 'rds_replication'), 'member'), false),
       (SELECT count(*) FROM pg_stat_replication r
        WHERE NOT EXISTS (SELECT FROM pg_stat_activity s WHERE s.pid = r.pid AND s.datid <> 0))
FROM pg_roles WHERE rolname = current_user
"""


async def server_facts(session: Session) -> ServerFacts:
    """Ask the server. Raises ServerGone."""
    row = (await session.query(_QUESTION, doing="asking for the server's version and settings"))[0]
    return ServerFacts(*row)
