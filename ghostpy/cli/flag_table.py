"""Every flag of `ghostpy migrate`: gh-ost's 108 under their own names, and ours.

Parser, help and reference are made from this table. Names, kinds, defaults and bounds are gh-ost's interface.
"""

from __future__ import annotations

from dataclasses import replace

from ghostpy.cli.flag import Flag, Group, Kind, Requirement, Status, Value


def _switch(name: str, meaning: str, *, default: bool = False, ours: bool = False) -> Flag:
    return Flag(name, Kind.SWITCH, default, meaning, ours=ours)


def _text(name: str, meaning: str, default: str = "", *, secret: bool = False, ours: bool = False) -> Flag:
    return Flag(name, Kind.TEXT, default, meaning, secret=secret, ours=ours)


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
_ONE_SERVER = "ghostpy works on one server, the primary that --host names"
_REPLICA = "running on a replica is not there yet"
_LAG = "the lag of replicas is not watched yet"
_LOAD = "the server's load is not watched yet"
_FILE = "pausing by a file is not there yet"
_HTTP = "asking an HTTP address whether to pause is not there yet"
_SOCKET = "the command socket is not there yet"
_HOOKS = "hooks are not there yet"
_STATSD = "metrics are not sent to StatsD yet"
_RESUME = "a run that ended cannot be resumed yet; start again from the beginning"
_REVERT = "going back to the old table is not there yet"
_TRIGGERS = "tables with triggers are not migrated yet"
_FOREIGN_KEYS = "tables with foreign keys are not migrated yet"

_TARGET = (
    _text("database", "Database of the table; may stand in a full ALTER TABLE or in --url instead."),
    _text("table", "Table to change; may stand in a full ALTER TABLE instead."),
    _text("alter", 'What to change: "ADD …, DROP …" or a whole "ALTER TABLE [database.]table …".'),
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
        "PostgreSQL: auto (the cheapest safe way), shadow (always a new table), or online (never a new table, "
        "refuse instead).",
        "auto",
        ours=True,
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
    _text("host", "Server's name or address; for now it must be the primary.", "127.0.0.1"),
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

_TOPOLOGY = (
    _no_op(_switch("allow-on-master", "Work on the primary alone."), "ghostpy always works on the primary"),
    _no_op(
        _switch("assume-rbr", "Take it that binlog_format is ROW."),
        "the format is looked up, and replication is never restarted",
    ),
    _later(
        _switch("switch-to-rbr", "Set binlog_format to ROW."),
        "set binlog_format = ROW on the server yourself",
    ),
    _later(_text("assume-master-host", "Address of the primary."), _ONE_SERVER),
    _later(_text("master-user", "Account on the primary."), _ONE_SERVER),
    _later(_text("master-password", "Its password.", secret=True), _ONE_SERVER),
    _later(_switch("allow-master-master", "Accept two primaries that follow each other."), _ONE_SERVER),
    _later(_switch("tungsten", "The servers are in a Tungsten cluster."), _ONE_SERVER),
    _later(_switch("test-on-replica", "Try it out on a replica and keep both tables."), _REPLICA),
    _later(_switch("test-on-replica-skip-replica-stop", "Do not stop replication for the trial."), _REPLICA),
    _later(_switch("migrate-on-replica", "Change the table on the replica only."), _REPLICA),
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
    ),
    _whole("max-backlog", 200_000, "Changed keys held in memory at most.", low=1000, high=100_000_000, ours=True),
    _fraction(
        "nice-ratio",
        0.0,
        "Rest after each slice of work, as a multiple of its duration.",
        low=0.0,
        high=100.0,
    ),
    _whole("default-retries", 60, "How often to try again what failed for a passing reason."),
    _switch("exact-rowcount", "Count the rows instead of estimating them."),
    _text("verify", "Compare both tables before the cut-over: on or off.", "on", ours=True),
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

_THROTTLE = (
    _whole(
        "heartbeat-interval-millis",
        100,
        "Milliseconds between two heartbeats, by which lag is measured.",
        low=100,
        high=1000,
    ),
    _later(_whole("max-lag-millis", 1500, "Lag of replicas to pause at.", low=100), _LAG),
    _later(_text("throttle-control-replicas", "Replicas whose lag counts."), _LAG),
    _later(_text("max-load", "Status variables and values to pause at."), _LOAD),
    _later(_text("critical-load", "Status variables and values to give up at."), _LOAD),
    _later(_whole("critical-load-interval-millis", 0, "Look again before giving up."), _LOAD),
    _later(_whole("critical-load-hibernate-seconds", 0, "Pause for long instead of giving up."), _LOAD),
    _later(
        _text("throttle-query", "Pause while this query returns more than 0."),
        "throttling by a query is not there yet",
    ),
    _later(_text("throttle-http", "Pause while this address does not answer 200."), _HTTP),
    _later(_whole("throttle-http-interval-millis", 100, "Milliseconds between two questions."), _HTTP),
    _later(_whole("throttle-http-timeout-millis", 1000, "Milliseconds to wait for an answer."), _HTTP),
    _later(_switch("ignore-http-errors", "Do not pause where the address cannot be reached."), _HTTP),
    _later(_text("throttle-flag-file", "Pause while this file exists."), _FILE),
    # Who names the file expects it to work, so that here even the default is refused when given.
    _later(
        _text("throttle-additional-flag-file", "Pause while this file exists, too.", "/tmp/gh-ost.throttle"),
        _FILE,
        neutral=("",),
    ),
    _no_op(
        _text("replication-lag-query", "A query for the lag."),
        "it is out of use in gh-ost, too; lag is measured by heartbeats",
    ),
)

_CUT_OVER = (
    _refused(
        _text("cut-over", "How the tables are exchanged: atomic.", "atomic"),
        "the tables are always exchanged in one atomic step",
        neutral=("atomic", "default", ""),
    ),
    _whole("cut-over-lock-timeout-seconds", 3, "Seconds to wait for the lock in one attempt, 1 to 10."),
    _switch("cut-over-exponential-backoff", "Wait longer and longer between attempts."),
    _whole("exponential-backoff-max-interval", 64, "Longest such wait in seconds.", low=2),
    _text("postpone-cut-over-flag-file", "Hold the cut-over back while this file exists; made at the start."),
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
    _later(_switch("force-named-cut-over", "The command to cut over must name the table."), _SOCKET),
    _later(_switch("force-named-panic", "The command to give up must name the table."), _SOCKET),
    _later(
        _text("panic-flag-file", "Give up when this file appears."),
        "giving up by a file is not there yet; send SIGTERM",
    ),
)

_AGAIN = (
    _later(_switch("checkpoint", "Note down the progress, to resume from."), _RESUME),
    _later(_whole("checkpoint-seconds", 300, "Seconds between two notes."), _RESUME),
    _later(_switch("resume", "Go on where an earlier run ended."), _RESUME),
    _later(_switch("revert", "Go back to the old table with all changes since."), _REVERT),
    _later(_text("old-table", "The old table to go back to."), _REVERT),
)

_TRIGGER = (
    _later(_switch("include-triggers", "Make the table's triggers anew on the new table."), _TRIGGERS),
    _later(_text("trigger-suffix", "Appended to their names."), _TRIGGERS),
    _later(_switch("remove-trigger-suffix-if-exists", "Take the suffix away where it is there."), _TRIGGERS),
)

_OUTSIDE = (
    _later(_text("serve-socket-file", "Unix socket to take commands on."), _SOCKET),
    _later(_whole("serve-tcp-port", 0, "TCP port to take commands on."), _SOCKET),
    _later(_switch("initially-drop-socket-file", "Remove a socket file that is in the way."), _SOCKET),
    _later(_text("hooks-path", "Folder with programs to call at certain moments."), _HOOKS),
    _later(_text("hooks-hint", "Handed to the hooks."), _HOOKS),
    _later(_text("hooks-hint-owner", "Handed to the hooks."), _HOOKS),
    _later(_text("hooks-hint-token", "Handed to the hooks."), _HOOKS),
    _later(_whole("hooks-status-interval", 60, "Seconds between two calls of the status hook."), _HOOKS),
    _later(_text("statsd-addr", "Where to send metrics."), _STATSD),
    _later(Flag("statsd-tags", Kind.SEVERAL, (), "Tags to send along."), _STATSD),
    _later(_whole("runtime-metrics-interval", 10, "Seconds between metrics of the process itself."), _STATSD),
)

_OUTPUT = (
    _switch("verbose", "Log what is going on."),
    _switch("debug", "Log everything; show a trace where an error ends the run."),
    _switch("quiet", "Log errors only."),
    _switch("stack", "Show a trace where an error ends the run."),
    _text(
        "display",
        "Progress as a live display, as status lines, or as fits: live, lines or auto.",
        "auto",
        ours=True,
    ),
    _switch("help", "Show this and exit."),
    _switch("version", "Show the version and exit."),
    _switch("check-flag", "Exit with 0 if all other flags given can be used."),
)

GROUPS = (
    Group("What to change", _TARGET),
    Group("Connection", CONNECTION),
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
)

REQUIREMENTS = (
    Requirement("master-user", "assume-master-host"),
    Requirement("master-password", "assume-master-host"),
    Requirement("test-on-replica-skip-replica-stop", "test-on-replica"),
    Requirement("revert", "old-table"),
    Requirement("include-triggers", "trigger-suffix"),
    Requirement("trigger-suffix", "include-triggers"),
)
"""Those of --ssl are looked at where TLS is set up, since --url can switch it on as well."""
