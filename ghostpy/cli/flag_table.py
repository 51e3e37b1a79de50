"""Every flag of `ghostpy migrate`: gh-ost's 108 under their own names, and ours.

Parser, help and reference are made from this table. Names, kinds, defaults and bounds are gh-ost's interface.
"""

from __future__ import annotations

from msgspec.structs import replace

from ghostpy.cli.flag import Flag, Group, Kind, Requirement, Status, Value


def _switch(name: str, meaning: str, *, default: bool = False, ours: bool = False) -> Flag:
    return Flag(name, Kind.SWITCH, default, meaning, ours=ours)


def _text(
    name: str,
    meaning: str,
    default: str = "",
    *,
    secret: bool = False,
    ours: bool = False,
    choices: tuple[str, ...] = (),
) -> Flag:
    return Flag(name, Kind.TEXT, default, meaning, secret=secret, ours=ours, choices=choices)


def _whole(
    name: str,
    default: int,
    meaning: str,
    *,
    low: int | None = None,
    high: int | None = None,
    ours: bool = False,
) -> Flag:
    return Flag(name, Kind.WHOLE, default, meaning, low=low, high=high, ours=ours)


def _fraction(
    name: str,
    default: float,
    meaning: str,
    *,
    low: float | None = None,
    high: float | None = None,
    ours: bool = False,
) -> Flag:
    return Flag(name, Kind.FRACTION, default, meaning, low=low, high=high, ours=ours)


def _no_op(flag: Flag, reason: str) -> Flag:
    return replace(flag, status=Status.NO_OP, reason=reason)


def _later(flag: Flag, reason: str, *, neutral: tuple[Value, ...] = ()) -> Flag:
    return replace(flag, status=Status.LATER, reason=reason, neutral=neutral)


def _refused(flag: Flag, reason: str, *, neutral: tuple[Value, ...] = ()) -> Flag:
    return replace(flag, status=Status.REFUSED, reason=reason, neutral=neutral)


_CLOUD = "the address that the server has for itself is never compared with the one connected to"
_RESUME = "checkpoints are always made"
_TRIGGERS = "tables with triggers are not migrated yet"
_FOREIGN_KEYS = "tables with foreign keys are not migrated yet"

_TARGET = (
    _text("database", "Database of the table; may stand in a full ALTER TABLE or in --url instead."),
    _text("table", "Table to change; may stand in a full ALTER TABLE instead."),
    _text("alter", 'What to change: "ADD …, DROP …" or a whole "ALTER TABLE [database.]table …".'),
    _text(
        "desired",
        "Instead of --alter: a file with the CREATE TABLE as it should be; what leads there is found. See docs/diff.md.",
        ours=True,
    ),
    Flag(
        "rename-column",
        Kind.SEVERAL,
        (),
        'With --desired: a column that gets another name: "old=new". No rename is guessed.',
        ours=True,
    ),
    _switch("execute", "Do it. Without this: check everything, print the plan, change nothing."),
    Flag(
        "transform",
        Kind.SEVERAL,
        (),
        'Fill a column of the new table by SQL over the old row: "column=expression".',
        ours=True,
    ),
    _text("where", "Carry over only the rows for which this SQL condition holds.", ours=True),
    _text(
        "strategy",
        "auto (the cheapest safe way; PostgreSQL's default), shadow (always a new table; the default of MySQL and MariaDB), or "
        "online (never a new table, refuse instead).",
        "",
        ours=True,
        choices=("auto", "shadow", "online"),
    ),
    _switch("attempt-instant-ddl", "Try first whether the server can do the change at once (ALGORITHM=INSTANT)."),
    _text("force-table-names", "Name to build those of the helper tables from, instead of the table's."),
    _refused(
        _text("storage-engine", "Storage engine of the table.", "innodb"),
        "only InnoDB keeps the promises that the copy relies on",
        neutral=("innodb", ""),
    ),
)

CONNECTION = (
    _text(
        "url",
        "Server in one piece: mysql://user@host:3306/database?ssl-mode=required. A password in it can be "
        "seen in the list of processes; better use --password-file. postgresql://… is taken as libpq takes it, with all "
        "its parameters; what it leaves out comes from PGHOST, PGSERVICE, .pgpass and the like.",
        ours=True,
    ),
    _text("host", "Server's name or address. MySQL: given a replica, its primary is found and worked on.", "127.0.0.1"),
    _whole("port", 3306, "Server's port."),
    _text("user", "Account to use."),
    _text("password", "Its password. Other users may see it in the list of processes.", secret=True),
    _text("password-file", "File whose first line is the password.", ours=True),
    _switch("ask-pass", "Ask for the password on the terminal."),
    _text(
        "conf",
        "INI file with user, password, host, port, socket in a section [client]; a value may be ${VARIABLE}.",
    ),
    _fraction("mysql-timeout", 0.0, "Seconds to wait for the server to answer; 0: the driver's default.", low=0.0),
    _no_op(
        _text("charset", "Character set of the connection.", "utf8mb4,utf8,latin1"),
        "no value of a row passes through the connection, and names are sent as utf8mb4",
    ),
    _switch("ssl", "Encrypt the connection (TLS)."),
    _text("ssl-ca", "PEM file with the authorities to trust; needs --ssl."),
    _text("ssl-cert", "PEM file with the client's certificate; needs --ssl."),
    _text("ssl-key", "PEM file with the client's key; needs --ssl."),
    _switch("ssl-allow-insecure", "Encrypt, but do not check who the server is; needs --ssl."),
    _whole("replica-server-id", 99999, "Server id to follow the binlog under; no replica may have the same."),
    _whole(
        "binlogsyncer-max-reconnect-attempts",
        0,
        "How often in a row to reconnect to the binlog before giving up; 0: without limit.",
        low=0,
    ),
    _text(
        "stream-reader",
        "PostgreSQL: how to read the changes: walsender (a replication connection), peek (ordinary queries), or auto.",
        "auto",
        ours=True,
        choices=("auto", "walsender", "peek"),
    ),
    _no_op(
        _switch("gtid", "Follow the binlog by GTID."),
        "GTIDs are used wherever the server has them",
    ),
    _no_op(_switch("skip-port-validation", "Do not compare ports."), _CLOUD),
    _no_op(_switch("aliyun-rds", "The server is in Aliyun RDS."), _CLOUD),
    _no_op(_switch("gcp", "The server is in Google Cloud SQL."), _CLOUD),
    _no_op(_switch("azure", "The server is in Azure."), _CLOUD),
)

_CONFIGURATION = (
    _text(
        "config",
        "Configuration file (TOML), whose keys are these flags. Without this: ghostpy.toml in the working directory, or else "
        "~/.config/ghostpy/ghostpy.toml. Empty: none.",
        ours=True,
    ),
    _text("profile", "Name of a [profile.NAME] in the configuration file, whose values count for more.", ours=True),
)

_TOPOLOGY = (
    _no_op(
        _switch("allow-on-master", "Work on the primary alone."), "ghostpy works on the primary unless told otherwise"
    ),
    _no_op(
        _switch("assume-rbr", "Take it that binlog_format is ROW."),
        "the format is looked up, and replication is never restarted",
    ),
    _later(
        _switch("switch-to-rbr", "Set binlog_format to ROW."),
        "set binlog_format = ROW on the server yourself",
    ),
    _text(
        "assume-master-host",
        "MySQL: host[:port] of the primary, where the server connected to is a replica of it; else it is found.",
    ),
    _text("master-user", "Account on the primary, where it is another."),
    _text("master-password", "Its password.", secret=True),
    _switch(
        "allow-master-master",
        "Accept servers that replicate from each other; the one that may be written is worked on.",
    ),
    _switch("tungsten", "Do not look for log_replica_updates on a replica."),
    _switch(
        "test-on-replica",
        "Try the change on the replica, up to an exchange and back; both tables stay, replication stays stopped.",
    ),
    _switch("test-on-replica-skip-replica-stop", "Let a hook stop the replica for the trial."),
    _switch("migrate-on-replica", "Change the table on the replica connected to, and nowhere else."),
)

_COPY = (
    _whole(
        "chunk-size",
        1000,
        "Rows a chunk, fixed. Without this: as many as take --chunk-time.",
        low=10,
        high=100_000,
    ),
    _fraction("chunk-time", 0.1, "Seconds that a chunk is meant to take.", low=0.005, high=10.0, ours=True),
    _whole("workers", 2, "Chunks copied at the same time.", low=1, high=64, ours=True),
    _text(
        "defer-secondary-indexes",
        "Build plain indexes of the new table after the copy: on, off, or auto (on where the server has no replicas).",
        "auto",
        ours=True,
        choices=("auto", "on", "off"),
    ),
    _whole("max-backlog", 200_000, "Changed keys held in memory at most.", low=1000, high=100_000_000, ours=True),
    _fraction(
        "nice-ratio",
        0.0,
        "Rest after each slice of work, as a multiple of its duration.",
        low=0.0,
        high=100.0,
    ),
    _fraction(
        "max-impact",
        100.0,
        "By how many percent commits on the server may take longer while the run lasts; it is measured, and work and rests go by it; two milliseconds "
        "are always allowed. "
        "0: no such limit. --nice-ratio above 0 counts instead.",
        low=0.0,
        high=10_000.0,
        ours=True,
    ),
    _whole("default-retries", 60, "How often to try again what failed for a passing reason."),
    _switch("exact-rowcount", "Count the rows instead of estimating them."),
    _text("verify", "Compare both tables before the cut-over: on or off.", "on", ours=True, choices=("on", "off")),
    _switch("skip-renamed-columns", "Do not carry over the data of renamed columns."),
    _switch("initially-drop-ghost-table", "Drop a shadow table that an earlier run has left."),
    _switch("initially-drop-old-table", "Drop an old table that an earlier run has left."),
    _switch("ok-to-drop-table", "Drop the old table at the end."),
    _switch(
        "refresh-materialized-views",
        "PostgreSQL: make materialized views over the table anew in the exchange, and refresh them right after it.",
        ours=True,
    ),
    _switch(
        "allow-all-tables-publication",
        "PostgreSQL: accept that publications FOR ALL TABLES publish the new table while it is filled.",
        ours=True,
    ),
    _switch("timestamp-old-table", "Put the time of the start into the old table's name."),
    _no_op(
        _whole("dml-batch-size", 10, "Changes applied in one transaction.", low=1, high=1000),
        "changes are merged by key and resynced in batches of a size of their own",
    ),
    _no_op(
        _switch("concurrent-rowcount", "Count while copying.", default=True),
        "ghostpy decides by itself when to count",
    ),
    _no_op(
        _switch("panic-on-warnings", "Stop at SQL warnings."),
        "a row that does not fit always stops the run",
    ),
    _no_op(
        _switch("allow-nullable-unique-key", "Copy along a key with nullable columns."),
        "a key with nullable columns is never copied along; the plan says so where there is no other",
    ),
    _no_op(
        _switch("approve-renamed-columns", "Confirm the renames that were found."),
        "renames are read off the ALTER itself and need no approval",
    ),
    _no_op(
        _switch("allow-zero-in-date", "Accept zero dates."),
        "zero dates that the table holds are always carried over",
    ),
    _refused(
        _switch("skip-strict-mode", "Write without strict mode."),
        "rows are only ever written in strict mode, since anything else can cut values short without a word",
    ),
    _later(_switch("discard-foreign-keys", "Leave foreign keys out of the new table."), _FOREIGN_KEYS),
    _later(_switch("skip-foreign-key-checks", "Do not look for foreign keys."), _FOREIGN_KEYS),
)

_BACKUPS = (
    Flag(
        "require-backup-file",
        Kind.SEVERAL,
        (),
        "Go on only where this file, or the newest in this folder or among those that match this pattern, is a recent backup. See docs/backups.md.",
        ours=True,
    ),
    _text("backup-max-age", "How old such a file may be at most (24h, 90m, 2d).", "24h", ours=True),
    Flag(
        "require-backup-command",
        Kind.SEVERAL,
        (),
        "Go on only where this command, run without a shell, ends with 0: then there is a backup.",
        ours=True,
    ),
    _fraction(
        "backup-command-timeout",
        60.0,
        "Seconds that such a command may take; then it is killed, and there is no backup.",
        low=1.0,
        ours=True,
    ),
    _text(
        "before",
        "Command that is run once, without a shell, before anything is made; where it fails, the run ends (exit code 16).",
        ours=True,
    ),
    _fraction(
        "before-timeout",
        0.0,
        "Seconds that this command may take; then it is killed, and counts as failed. 0: no limit.",
        low=0.0,
        ours=True,
    ),
)

_THROTTLE = (
    _whole(
        "heartbeat-interval-millis",
        100,
        "Milliseconds between two heartbeats, by which lag is measured.",
        low=100,
        high=1000,
    ),
    _whole("max-lag-millis", 1500, "Rest while a replica is further behind than this.", low=100),
    _text("throttle-control-replicas", "Replicas whose lag counts, host[:port],…; without this: those that are found."),
    _text(
        "max-load",
        "Rest while one of these figures is reached: figure=threshold,…. MySQL: status variables. PostgreSQL: "
        "active_sessions, lock_waiters, replica_lag (seconds), retained_wal (bytes), oldest_transaction (seconds), xmin_age (transactions).",
    ),
    _text("critical-load", "End the run where one of these figures is reached: figure=threshold,…."),
    _whole(
        "critical-load-interval-millis",
        0,
        "Look again after this time, and end the run only where the load is critical still; 0: at once.",
        low=0,
    ),
    _whole(
        "critical-load-hibernate-seconds",
        0,
        "At a critical load, do nothing at all for this long instead of ending the run; 0: end it.",
        low=0,
    ),
    Flag(
        "throttle-signal",
        Kind.SEVERAL,
        (),
        'A figure of your own for the two load lists: "name=SQL", where the SQL gives one number.',
        ours=True,
    ),
    _text("throttle-query", "Rest while this query gives more than 0; it is asked every second."),
    _text("throttle-http", "Rest while this URL does not answer a HEAD request by 200."),
    _whole("throttle-http-interval-millis", 100, "Milliseconds between two such requests.", low=10),
    _whole("throttle-http-timeout-millis", 1000, "Milliseconds to wait for an answer.", low=1),
    _switch("ignore-http-errors", "Do not rest where that URL cannot be reached."),
    _text("throttle-flag-file", "Rest while this file exists."),
    _text(
        "throttle-additional-flag-file", "Rest while this file exists, too; it may be shared.", "/tmp/gh-ost.throttle"
    ),
    Flag(
        "window",
        Kind.SEVERAL,
        (),
        'Work within these times only: "[days] HH:MM-HH:MM [zone],…", such as "Mon-Fri 22:00-06:00 Europe/Berlin".',
        ours=True,
    ),
    _text(
        "deadline",
        'Stop then, to be gone on with later: a time, a time from the start ("6h"), or "window" for the end of the window.',
        ours=True,
    ),
    _fraction(
        "disk-reserve-percent",
        1.0,
        "End the run before the server's disk has less room left than this; seen only where ghostpy runs on the server's machine. 0: do not look.",
        low=0.0,
        high=100.0,
        ours=True,
    ),
    _no_op(
        _text("replication-lag-query", "A query for the lag."),
        "it is out of use in gh-ost, too; lag is measured by heartbeats",
    ),
)

_CUT_OVER = (
    _refused(
        _text("cut-over", "How the tables are exchanged: atomic.", "atomic", choices=("atomic",)),
        "the tables are always exchanged in one atomic step",
        neutral=("atomic", "default", ""),
    ),
    _whole("cut-over-lock-timeout-seconds", 3, "Seconds to wait for the lock in one attempt, 1 to 10."),
    _switch("cut-over-exponential-backoff", "Wait longer and longer between attempts."),
    _whole("exponential-backoff-max-interval", 64, "Longest such wait in seconds.", low=2),
    _text("postpone-cut-over-flag-file", "Hold the cut-over back while this file exists; made at the start."),
    _switch(
        "postpone-cut-over",
        "Hold the cut-over back until `ghostpy control … cut-over`, and let the application read the new table. See docs/shadow-mode.md.",
        ours=True,
    ),
    _text(
        "verify-every",
        "While the cut-over is held back, compare all rows again, so long (1h, 30m) after the last comparison; off: only once. "
        "Without this: 1h with --postpone-cut-over, else off.",
        ours=True,
    ),
    _no_op(
        _switch("allow-setup-metadata-lock-instruments", "May switch on instruments of performance_schema."),
        "the cut-over does not need these instruments",
    ),
    _no_op(
        _switch("skip-metadata-lock-check", "Do without the check of metadata locks."),
        "the cut-over does not need this check: its session holds the lock itself",
    ),
    _no_op(
        _switch("analyze-ghost-table-before-cutover", "Run ANALYZE TABLE before the cut-over."),
        "the new table is always analyzed before the cut-over",
    ),
    _switch("force-named-cut-over", "The command to cut over must name the table."),
    _switch("force-named-panic", "The command to give up must name the table."),
    _text("panic-flag-file", "End the run at once when this file appears, and clean nothing up."),
)

_AGAIN = (
    _no_op(_switch("checkpoint", "Note down the progress, to go on from."), _RESUME),
    _whole("checkpoint-seconds", 10, "Seconds of work that a run which is killed may lose.", low=1),
    _switch("resume", "Fail where no earlier run has left anything to go on with; without this, the run begins then."),
    _switch("restart", "Give up what an earlier run has left, and begin anew.", ours=True),
    _switch("revert", "Go back to the old table with all changes since, as `ghostpy revert` does. See docs/revert.md."),
    _text("old-table", "The old table to go back to; another one is an error."),
    _text(
        "revert-window",
        "Keep the old table in step for so long after the exchange (24h, 90m), ready to go back to.",
        ours=True,
    ),
    _switch(
        "keep-revertible",
        "Note down in the exchange what a later `ghostpy revert` needs; the ledger stays beside the old table.",
        ours=True,
    ),
)

_TRIGGER = (
    _later(_switch("include-triggers", "Make the table's triggers anew on the new table."), _TRIGGERS),
    _later(_text("trigger-suffix", "Appended to their names."), _TRIGGERS),
    _later(_switch("remove-trigger-suffix-if-exists", "Take the suffix away where it is there."), _TRIGGERS),
)

_OUTSIDE = (
    _text("serve-socket-file", "Unix socket to take commands on; without this /tmp/gh-ost.DATABASE.TABLE.sock."),
    _whole("serve-tcp-port", 0, "TCP port to take commands on, of this machine only; 0: none."),
    _text(
        "serve-tcp-host",
        "Address to listen on for commands; any but this machine's own needs --serve-tcp-token-file.",
        "127.0.0.1",
        ours=True,
    ),
    _text(
        "serve-tcp-token-file", "File with the token that every command over TCP must begin with (token=…).", ours=True
    ),
    _switch("initially-drop-socket-file", "Remove a socket file that is in the way, though a run may be served there."),
    _text("hooks-path", "Folder with programs to run at certain moments (gh-ost-on-…); see docs/hooks.md."),
    _text("hooks-hint", "Handed to the hooks as GH_OST_HOOKS_HINT."),
    _text("hooks-hint-owner", "Handed to the hooks as GH_OST_HOOKS_HINT_OWNER."),
    _text("hooks-hint-token", "Handed to the hooks as GH_OST_HOOKS_HINT_TOKEN.", secret=True),
    _whole("hooks-status-interval", 60, "Seconds between two calls of the status hook; 0 or less: never."),
    _fraction(
        "hooks-timeout",
        0.0,
        "Seconds that one hook may take; then it is killed and counts as failed. 0: no limit, as in gh-ost.",
        low=0.0,
        ours=True,
    ),
    _whole("metrics-port", 0, "Port that Prometheus may scrape at /metrics; 0: none. See docs/metrics.md.", ours=True),
    _text("metrics-address", "Address of this machine to serve metrics on.", "127.0.0.1", ours=True),
    _text(
        "metrics-textfile",
        "File (….prom) to write metrics to for the node exporter's textfile collector, also at the end.",
        ours=True,
    ),
    _text("statsd-addr", "Where to send metrics every second: host:port, or the path of a Unix datagram socket."),
    Flag("statsd-tags", Kind.SEVERAL, (), "Tag to send along, key:value."),
    _whole(
        "runtime-metrics-interval",
        10,
        "Seconds between figures of the process itself (memory, CPU) to StatsD; 0 or less: never.",
    ),
)

_OUTPUT = (
    _switch("verbose", "Log what is going on."),
    _switch("debug", "Log everything; show a trace where an error ends the run."),
    _switch("quiet", "Log errors only; on stdout, one line at the end says how it went."),
    _switch("summary", "Say how it went in one line on stdout at the end, as --quiet does.", ours=True),
    _switch("stack", "Show a trace where an error ends the run."),
    _text(
        "display",
        "Progress as a live display, as status lines, or as fits: live, lines or auto.",
        "auto",
        ours=True,
        choices=("auto", "live", "lines"),
    ),
    _text(
        "log-format", "Lines of the log as text or as JSON: text or json.", "text", ours=True, choices=("text", "json")
    ),
    _text("log-file", "Append the log to this file as well, there with all events.", ours=True),
    Flag(
        "report",
        Kind.SEVERAL,
        (),
        "Write a report of the run, however it ends: a file ….html or ….json, or a folder for both. See docs/report.md.",
        ours=True,
    ),
    _switch("help", "Show this and exit."),
    _switch("version", "Show the version and exit."),
    _switch("check-flag", "Exit with 0 if all other flags given can be used."),
)

GROUPS = (
    Group("What to change", _TARGET),
    Group("Connection", CONNECTION),
    Group("Configuration", _CONFIGURATION),
    Group("Backups", _BACKUPS),
    Group("Copy", _COPY),
    Group("Cut-over", _CUT_OVER),
    Group("Throttling", _THROTTLE),
    Group("Where to run", _TOPOLOGY),
    Group("Resume and revert", _AGAIN),
    Group("Triggers", _TRIGGER),
    Group("Commands, hooks, metrics", _OUTSIDE),
    Group("Output", _OUTPUT),
)

FLAGS: dict[str, Flag] = {flag.name: flag for group in GROUPS for flag in group.flags}

EXCLUSIONS = (
    ("allow-on-master", "test-on-replica"),
    ("allow-on-master", "migrate-on-replica"),
    ("migrate-on-replica", "test-on-replica"),
    ("switch-to-rbr", "assume-rbr"),
    ("revert", "resume"),
    ("alter", "desired"),
    ("postpone-cut-over", "attempt-instant-ddl"),
    ("revert", "desired"),
    *(
        (flag, other)
        for flag in ("revert-window", "keep-revertible")
        for other in ("ok-to-drop-table", "test-on-replica", "attempt-instant-ddl")
    ),
)

REQUIREMENTS = (
    Requirement("master-user", "assume-master-host"),
    Requirement("master-password", "assume-master-host"),
    Requirement("test-on-replica-skip-replica-stop", "test-on-replica"),
    Requirement("revert", "old-table"),
    Requirement("rename-column", "desired"),
    Requirement("include-triggers", "trigger-suffix"),
    Requirement("trigger-suffix", "include-triggers"),
)
"""Those of --ssl are looked at where TLS is set up, since --url can switch it on as well."""
