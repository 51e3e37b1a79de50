"""What the user asked for, in frozen sections. Defaults stand here; file, environment and flags are laid over them by the CLI."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from msgspec import Struct, field

SECRET_PARAMETERS = ("password", "sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key")
"""Of libpq's connection strings: values that must never be shown."""


class Section(Struct, frozen=True):
    """Settings that belong together."""

    secret: ClassVar[frozenset[str]] = frozenset()
    """Fields whose values nobody may be shown."""

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [(name, getattr(self, name)) for name in self.__struct_fields__ if name not in self.secret]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.__rich_repr__())})"


class TlsSettings(Section, frozen=True):
    enabled: bool = False
    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None
    allow_insecure: bool = False
    """Do not verify the server's certificate."""


class ConnectSettings(Section, frozen=True):
    """How to reach the server. `timeout` in seconds; 0 leaves the driver's default."""

    secret: ClassVar[frozenset[str]] = frozenset({"password", "dsn"})

    dialect: str = "mysql"
    host: str = "127.0.0.1"
    port: int = 3306
    user: str = ""
    password: str = ""
    unix_socket: str | None = None
    charset: str = "utf8mb4"
    tls: TlsSettings = field(default_factory=TlsSettings)
    timeout: float = 0.0
    replica_server_id: int = 99999
    """Under which the stream registers as a replica; unique among all replicas of the server."""
    stream_reconnect_attempts: int = 0
    """In a row; 0: without limit."""
    dsn: str = ""
    """PostgreSQL: libpq's connection string or URL; what it leaves out, libpq takes from its environment and files."""
    stream_reader: str = "auto"
    """PostgreSQL: `walsender`: a replication connection; `peek`: ordinary queries; `auto`: the first where it can be had."""

    @property
    def address(self) -> str:
        """For messages: where, never who or how."""
        return self.unix_socket or f"{self.host}:{self.port}"


class TopologySettings(Section, frozen=True):
    """MySQL: on which server of several the work is done."""

    secret: ClassVar[frozenset[str]] = frozenset({"primary_password"})

    primary: str = ""
    """`host[:port]` of the primary; empty: found by asking the server."""
    primary_user: str = ""
    primary_password: str = ""
    on_replica: str = ""
    """`migrate`: change the table on the server connected to, though it is a replica; `test`: only try it out there."""
    stop_replica: bool = True
    """In a trial: stop the replica for it (else a hook must)."""
    allow_ring: bool = False
    without_replica_updates: bool = False
    """Do not look whether a replica writes what it replicates to its own binlog."""


class TargetSettings(Section, frozen=True):
    """What to change."""

    database: str = ""
    table: str = ""
    alter: str = ""
    desired: str = ""
    """The table as it is to be, in SQL; `alter` is what leads there once that is found: nothing, where the table is so already."""
    renames: tuple[tuple[str, str], ...] = ()
    """Of columns, where the table is desired: what each is called now, and then."""
    transforms: tuple[tuple[str, str], ...] = ()
    """Pairs of a shadow column and an SQL expression over the source row."""
    where: str | None = None
    assignments: tuple[tuple[str, str], ...] = ()
    """In a backfill, which updates the table's rows in place: pairs of a column and what it is set to."""
    strategy: str = ""
    """`auto`: the cheapest safe way, which PostgreSQL's default is; `shadow`: always the shadow, which MySQL's and MariaDB's is; `online`: never the
    shadow, refuse instead."""
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


class CopySettings(Section, frozen=True):
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
    """Rest after each slice, as a multiple of its duration; above 0 it counts instead of `max_impact`."""
    max_impact: float = 1.0
    """By which part the application's commits may take longer, all in all, for the copy's sake; 0: whatever it comes to."""
    backlog_limit: int = 200_000
    """Dirty keys held in memory; above it the stream is not read on until some are resynced."""
    resync_keys: int = 1000
    """Keys per resync transaction."""
    defer_secondary_indexes: str = "auto"
    """`on`: build plain indexes after the copy; `off`: keep them while copying; `auto`: on where there are no replicas."""
    retries: int = 60
    """Of one operation after a transient error."""


class CutOverSettings(Section, frozen=True):
    """How the exchange is attempted. Times in seconds."""

    lock_timeout: int = 3
    attempts: int = 60
    exponential_backoff: bool = False
    backoff_max: int = 64
    postpone_flag_file: Path | None = None
    postpone: bool = False
    """Hold the cut-over back until somebody lets it come."""
    verify_every: float = 0.0
    """Compare all rows again while it is held back, so long after the comparison before; 0: only once."""


class ThrottleSettings(Section, frozen=True):
    """What the run rests for, or ends for; texts as the user wrote them. All may be changed while it is under way."""

    max_lag_millis: int = 1500
    control_replicas: str = ""
    """`host[:port],…`; empty: the replicas that are found."""
    max_load: str = ""
    """`figure=threshold,…`"""
    critical_load: str = ""
    critical_interval_millis: int = 0
    """Look again after that before the run is ended; 0: end it at once."""
    critical_hibernate_seconds: int = 0
    """Hibernate for so long instead; 0: end the run."""
    named_sql: tuple[tuple[str, str], ...] = ()
    """Figures of the user's own for the load lists: name and query."""
    query: str = ""
    http: str = ""
    http_interval_millis: int = 100
    http_timeout_millis: int = 1000
    ignore_http_errors: bool = False
    flag_file: Path | None = None
    additional_flag_file: Path | None = Path("/tmp/gh-ost.throttle")
    panic_flag_file: Path | None = None
    window: str = ""
    """`[days] HH:MM-HH:MM [zone],…`; empty: always."""
    disk_reserve_percent: float = 1.0
    """How much of its disk is left to the server, where that can be seen; 0: that is not looked at."""
    deadline: str = ""
    """A time, a duration, or `window`: the end of the window."""


class ResumeSettings(Section, frozen=True):
    """Going on with the work of a run that ended before it was done; that is what happens where there is any."""

    checkpoint_seconds: float = 10.0
    restart: bool = False
    """Remove it, and begin anew."""
    required: bool = False
    """Fail where there is none."""


class RevertSettings(Section, frozen=True):
    """Going back to the old table."""

    wanted: bool = False
    """Go back now, instead of changing anything."""
    old_table: str = ""
    """Which one it must be; empty: that of the last change."""
    window: float = 0.0
    """Seconds for which the old table is kept in step after the exchange."""
    keep: bool = False
    """Note down in the exchange what a later revert needs."""

    @property
    def possible(self) -> bool:
        """Whether the exchange is to be one that can be taken back."""
        return self.keep or self.window > 0 or self.wanted


class ExpandSettings(Section, frozen=True):
    """New columns beside old ones, for as long as two versions of an application overlap."""

    added: tuple[tuple[str, str], ...] = ()
    """Pairs of a new column and its definition."""
    up: tuple[tuple[str, str], ...] = ()
    """Pairs of a new column and what it is computed from the old ones."""
    down: tuple[tuple[str, str], ...] = ()
    """Pairs of an old column and what it is computed from the new ones."""
    watch_seconds: float = 60.0
    """For how long a contraction watches whether anybody uses the old columns; 0: not at all."""
    allow_unproven: bool = False
    """Go on where that cannot be proven, or where rows of one side would be lost."""
    undo: bool = False
    """Of a rollback: take back what another has made of a contraction."""
    filling: bool = False
    """Whether the backfill is that of an expansion: its triggers let it through."""


class BackupSettings(Section, frozen=True):
    """Proof of a backup, and a command of the user's, before anything is changed. Times in seconds."""

    secret: ClassVar[frozenset[str]] = frozenset({"commands", "before"})

    files: tuple[str, ...] = ()
    """Files, folders or patterns: the newest file of each must be young enough."""
    max_age: float = 86400.0
    commands: tuple[tuple[str, ...], ...] = ()
    """Programs with their arguments, each of which must confirm a backup by ending with 0."""
    command_timeout: float = 60.0
    before: tuple[str, ...] = ()
    """A program with its arguments, run once before anything is made."""
    before_timeout: float = 0.0
    """0: none."""


class ScriptSettings(Section, frozen=True):
    """How a migration script is applied."""

    small_rows: int = 10_000
    """A table of no more rows is changed as the script says; an UPDATE that reads no more is run as it stands."""
    allowed: tuple[str, ...] = ()
    """Codes of findings that are to be no reason to stop."""
    in_doubt: str = ""
    """`done` or `again`: what is true of a statement of which the server cannot tell whether it ran."""


class ControlSettings(Section, frozen=True):
    """Where commands are taken while the run is under way."""

    secret: ClassVar[frozenset[str]] = frozenset({"tcp_token"})

    socket_file: Path | None = None
    """None: at gh-ost's usual place."""
    database: str = ""
    table: str = ""
    """Of the usual place, where it is not called as the table is."""
    drop_socket_file: bool = False
    """Remove a socket that is in the way, though a run may be served there."""
    tcp_host: str = "127.0.0.1"
    tcp_port: int = 0
    """0: none."""
    tcp_token: str = ""
    named_cut_over: bool = False
    """The command to cut over must name the table."""
    named_panic: bool = False


class HookSettings(Section, frozen=True):
    """Programs to run at moments of a run. Times in seconds."""

    secret: ClassVar[frozenset[str]] = frozenset({"hint_token"})

    path: Path | None = None
    hint: str = ""
    hint_owner: str = ""
    hint_token: str = ""
    status_interval: int = 60
    """0 or less: never."""
    timeout: float = 0.0
    """Of one program; 0: none."""
    count_may_veto: bool = False
    """Whether a failure after the exact count of rows ends the run."""


class ObserveSettings(Section, frozen=True):
    """How a run is watched, beside its display."""

    log_format: str = "text"
    """`text` or `json`."""
    log_file: Path | None = None
    metrics_port: int = 0
    """0: no endpoint."""
    metrics_address: str = "127.0.0.1"
    metrics_textfile: Path | None = None
    statsd_address: str = ""
    statsd_tags: tuple[str, ...] = ()
    runtime_metrics_interval: int = 10
    """Seconds between figures of the process itself to StatsD; 0 or less: never."""
    reports: tuple[Path, ...] = ()
    """Files, or folders for files."""


class MigrateSettings(Section, frozen=True):
    """One run of `ghostpy migrate`, or of `ghostpy backfill` where the target has assignments."""

    connect: ConnectSettings = field(default_factory=ConnectSettings)
    topology: TopologySettings = field(default_factory=TopologySettings)
    target: TargetSettings = field(default_factory=TargetSettings)
    copy: CopySettings = field(default_factory=CopySettings)
    cut_over: CutOverSettings = field(default_factory=CutOverSettings)
    throttle: ThrottleSettings = field(default_factory=ThrottleSettings)
    resume: ResumeSettings = field(default_factory=ResumeSettings)
    revert: RevertSettings = field(default_factory=RevertSettings)
    expand: ExpandSettings = field(default_factory=ExpandSettings)
    script: ScriptSettings = field(default_factory=ScriptSettings)
    control: ControlSettings = field(default_factory=ControlSettings)
    hooks: HookSettings = field(default_factory=HookSettings)
    backups: BackupSettings = field(default_factory=BackupSettings)
    execute: bool = False
    verify: bool = True
    heartbeat_seconds: float = 0.1
    exact_row_count: bool = False


class PairSettings(Section, frozen=True):
    """Which two tables to compare. Transforms and filter are over rows of the first."""

    connect: ConnectSettings = field(default_factory=ConnectSettings)
    database: str = ""
    table: str = ""
    other: str = ""
    """`[database.]table` (PostgreSQL: `[schema.]table`); empty: what a run has left of `table`, the old table or the shadow."""
    force_table_names: str | None = None
    """What the names of a run's tables were made from, instead of the table's."""
    renamed: tuple[tuple[str, str], ...] = ()
    """Pairs of a column of the first table and that of the second which goes on with it."""
    transforms: tuple[tuple[str, str], ...] = ()
    """Pairs of a column of the second table and an SQL expression over a row of the first."""
    where: str | None = None
    copy: CopySettings = field(default_factory=CopySettings)
    """How the comparison reads: chunks, workers, rests."""
    throttle: ThrottleSettings = field(default_factory=ThrottleSettings)
    limit: int = 10_000
    """Differences to look for at most."""
    again_seconds: float = 2.0
    """Between two looks at a difference."""
