"""What the user asked for, in frozen sections. Defaults stand here; file, environment and flags are laid over them by the CLI."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

SECRET_PARAMETERS = ("password", "sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key")
"""Of libpq's connection strings: values that must never be shown."""


@dataclass(frozen=True, slots=True)
class TlsSettings:
    enabled: bool = False
    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None
    allow_insecure: bool = False
    """Do not verify the server's certificate."""


@dataclass(frozen=True, slots=True)
class ConnectSettings:
    """How to reach the server. `timeout` in seconds; 0 leaves the driver's default."""

    dialect: str = "mysql"
    host: str = "127.0.0.1"
    port: int = 3306
    user: str = ""
    password: str = field(default="", repr=False)
    unix_socket: str | None = None
    charset: str = "utf8mb4"
    tls: TlsSettings = field(default_factory=TlsSettings)
    timeout: float = 0.0
    replica_server_id: int = 99999
    """Under which the stream registers as a replica; unique among all replicas of the server."""
    stream_reconnect_attempts: int = 0
    """In a row; 0: without limit."""
    dsn: str = field(default="", repr=False)
    """PostgreSQL: libpq's connection string or URL; what it leaves out, libpq takes from its environment and files."""
    stream_reader: str = "auto"
    """PostgreSQL: `walsender`: a replication connection; `peek`: ordinary queries; `auto`: the first where it can be had."""

    @property
    def address(self) -> str:
        """For messages: where, never who or how."""
        return self.unix_socket or f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class TargetSettings:
    """What to change."""

    database: str = ""
    table: str = ""
    alter: str = ""
    transforms: tuple[tuple[str, str], ...] = ()
    """Pairs of a shadow column and an SQL expression over the source row."""
    where: str | None = None
    strategy: str = "auto"
    """PostgreSQL: `auto`: the cheapest safe way; `shadow`: always the shadow; `online`: never the shadow, refuse instead."""
    force_table_names: str | None = None
    timestamp_old_table: bool = False
    attempt_instant_ddl: bool = False
    approve_renamed_columns: bool = True
    """Renames are read off the ALTER itself, not guessed: approval is not needed."""
    skip_renamed_columns: bool = False
    initially_drop_shadow: bool = False
    initially_drop_old: bool = False
    ok_to_drop_old: bool = False
    refresh_materialized: bool = False
    """PostgreSQL: make materialized views over the table anew, empty, in the exchange, and refresh them after it."""
    allow_all_tables: bool = False
    """PostgreSQL: accept that publications FOR ALL TABLES publish the shadow, too."""


@dataclass(frozen=True, slots=True)
class CopySettings:
    """How the copy runs. Times in seconds."""

    chunk_rows: int | None = None
    """Fixed rows per chunk; None: by feedback towards `chunk_seconds`."""
    chunk_seconds: float = 0.1
    quiet_chunk_seconds: float = 0.5
    """The same while nobody else writes on the server."""
    workers: int = 2
    slice_seconds: float = 0.3
    """One slice of copying (or of resyncing) in a round."""
    nice_ratio: float = 0.0
    """Rest after each slice, as a multiple of its duration."""
    backlog_limit: int = 200_000
    """Dirty keys held in memory; above it the stream is not read on until some are resynced."""
    resync_keys: int = 1000
    """Keys per resync transaction."""
    defer_secondary_indexes: str = "auto"
    """`on`: build plain indexes after the copy; `off`: keep them while copying; `auto`: on where there are no replicas."""
    retries: int = 60
    """Of one operation after a transient error."""


@dataclass(frozen=True, slots=True)
class CutOverSettings:
    """How the exchange is attempted. Times in seconds."""

    lock_timeout: int = 3
    attempts: int = 60
    exponential_backoff: bool = False
    backoff_max: int = 64
    postpone_flag_file: Path | None = None


@dataclass(frozen=True, slots=True)
class MigrateSettings:
    """One run of `ghostpy migrate`."""

    connect: ConnectSettings = field(default_factory=ConnectSettings)
    target: TargetSettings = field(default_factory=TargetSettings)
    copy: CopySettings = field(default_factory=CopySettings)
    cut_over: CutOverSettings = field(default_factory=CutOverSettings)
    execute: bool = False
    verify: bool = True
    heartbeat_seconds: float = 0.1
    exact_row_count: bool = False
