"""One call of `ghostpy migrate`, read: flags, environment and files become settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from msgspec import Struct, field

from ghostpy.cli.backup_flags import backup_settings
from ghostpy.cli.change_text import TEXTS, ChangeText
from ghostpy.cli.conf_file import read_small_file
from ghostpy.cli.connection import AskPassword, Connection
from ghostpy.cli.control_flags import control_settings
from ghostpy.cli.flags import FlagValues
from ghostpy.cli.redaction import remember_secret
from ghostpy.cli.throttle_flags import throttle_settings
from ghostpy.errors import UsageError
from ghostpy.observe.log import Level
from ghostpy.settings import (
    CopySettings,
    CutOverSettings,
    HookSettings,
    MigrateSettings,
    ObserveSettings,
    ResumeSettings,
    RevertSettings,
    TargetSettings,
    TopologySettings,
)
from ghostpy.throttle import deadlines

_T = TypeVar("_T")

_LOCK_TIMEOUTS = range(1, 11)
_EVERY = 3600.0
_DISPLAYS = ("auto", "live", "lines")
_LOG_FORMATS = ("text", "json")
_STRATEGIES = {name: name for name in ("auto", "shadow", "online")}
_DEFER = {"auto": "auto", "on": "on", "off": "off"}
_VERIFY = {"on": True, "true": True, "1": True, "off": False, "false": False, "0": False}


class Invocation(Struct, frozen=True):
    """What to run, and how to show it."""

    settings: MigrateSettings
    level: Level
    display: str
    """`live`, `lines` or `auto`."""
    notes: tuple[str, ...]
    """For the log, before anything else."""
    observe: ObserveSettings = field(default_factory=ObserveSettings)
    trace: bool = False
    """Whether a log in JSON holds the trace of the error that ends the run."""


def read_invocation(
    values: FlagValues,
    environment: Mapping[str, str],
    ask: AskPassword,
    target_of: Callable[[FlagValues, Connection], TargetSettings] | None = None,
) -> Invocation:
    """The settings that `values` ask for. `ask` is called for `--ask-pass`, with its prompt.

    `target_of`: reads what is to be done, where that is no ALTER.

    Raises UsageError where something is missing or does not fit.
    """
    connection = Connection(values, environment, ask)
    target = (target_of or _target)(values, connection)
    settings = MigrateSettings(
        topology=_topology(values),
        target=target,
        copy=copy_settings(values),
        cut_over=_cut_over(values),
        throttle=throttle_settings(values),
        resume=ResumeSettings(
            checkpoint_seconds=float(values.whole("checkpoint-seconds")),
            restart=values.switch("restart"),
            required=values.switch("resume"),
        ),
        revert=_revert(values),
        control=control_settings(values, target),
        hooks=_hooks(values),
        backups=backup_settings(values),
        execute=values.switch("execute"),
        verify=_one_of(values, "verify", _VERIFY),
        heartbeat_seconds=values.whole("heartbeat-interval-millis") / 1000,
        exact_row_count=values.switch("exact-rowcount"),
        # Last, so that nobody is asked for a password in vain.
        connect=connection.settings(),
    )
    display = _one_of(values, "display", {name: name for name in _DISPLAYS})
    trace = values.switch("debug") or values.switch("stack")
    return Invocation(settings, _level(values), display, tuple(values.notes), _observe(values), trace)


def _one_of(values: FlagValues, name: str, known: Mapping[str, _T]) -> _T:
    text = values.text(name).lower()
    if text not in known:
        raise UsageError(f"--{name} must be one of {', '.join(known)}, not {text!r}.")
    return known[text]


def _target(values: FlagValues, connection: Connection) -> TargetSettings:
    alter, text = values.text("alter"), TEXTS[connection.dialect]
    if values.switch("revert") and alter.strip():
        values.notes.append("--alter has nothing to do: a revert goes back to the old table as it is.")
        alter = ""
    desired = read_small_file(values.text("desired"), "--desired") if values.text("desired") else ""
    wanted = alter.strip() or values.text("desired") or values.switch("revert")
    missing = [] if wanted else ["--alter (what to change) or --desired (what to become)"]
    read, words = (text.desired, desired) if values.text("desired") else (text.named, alter)
    named = read(words, values.text("database"), values.text("table"))
    database = named.database or connection.database
    missing += [] if database else ["--database"]
    missing += [] if named.table else ["--table"]
    if missing:
        raise UsageError(
            f"{_listed(missing)} must be given.",
            hint="Database and table may also stand in --alter: ALTER TABLE database.table …; see --help.",
        )
    where = values.text("where")
    return TargetSettings(
        database=database,
        table=named.table,
        alter=alter,
        desired=desired,
        renames=tuple(read_pair(each, text, "--rename-column") for each in values.several("rename-column")),
        transforms=read_transforms(values.several("transform"), text),
        where=text.expression(where, "--where") if where.strip() else None,
        strategy=_strategy(values),
        force_table_names=values.text("force-table-names") or None,
        timestamp_old_table=values.switch("timestamp-old-table"),
        attempt_instant_ddl=values.switch("attempt-instant-ddl"),
        skip_renamed_columns=values.switch("skip-renamed-columns"),
        initially_drop_shadow=values.switch("initially-drop-ghost-table"),
        initially_drop_old=values.switch("initially-drop-old-table"),
        ok_to_drop_old=values.switch("ok-to-drop-table"),
        refresh_materialized=values.switch("refresh-materialized-views"),
        allow_all_tables=values.switch("allow-all-tables-publication"),
    )


def _strategy(values: FlagValues) -> str:
    asked = _one_of(values, "strategy", _STRATEGIES) if values.text("strategy") else ""
    if not values.switch("postpone-cut-over") or values.switch("revert"):
        return asked
    if asked not in ("", "shadow"):
        raise UsageError(
            f"--postpone-cut-over needs --strategy=shadow, not {asked}: a change without a new table has no cut-over to hold back."
        )
    return "shadow"


def _topology(values: FlagValues) -> TopologySettings:
    migrate, test = values.switch("migrate-on-replica"), values.switch("test-on-replica")
    if values.text("master-password"):
        remember_secret(values.text("master-password"))
    return TopologySettings(
        primary=values.text("assume-master-host"),
        primary_user=values.text("master-user"),
        primary_password=values.text("master-password"),
        on_replica="migrate" if migrate else "test" if test else "",
        stop_replica=not values.switch("test-on-replica-skip-replica-stop"),
        allow_ring=values.switch("allow-master-master"),
        without_replica_updates=values.switch("tungsten"),
    )


def _listed(parts: Sequence[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def read_transforms(texts: Sequence[str], rules: ChangeText, flag: str = "--transform") -> tuple[tuple[str, str], ...]:
    """The columns and expressions of `--transform`, or of another such flag, each given once. Raises UsageError."""
    pairs: dict[str, tuple[str, str]] = {}
    for text in texts:
        column, sql = rules.column(text, f"{flag} {text!r}")
        if rules.folded(column) in pairs:
            raise UsageError(f"{flag} names the column {column} twice.")
        pairs[rules.folded(column)] = (column, rules.expression(sql, f"{flag} {column}"))
    return tuple(pairs.values())


def read_pair(text: str, rules: ChangeText, flag: str) -> tuple[str, str]:
    """The two columns of `OLD=NEW`. Raises UsageError, naming the flag."""
    try:
        old, rest = rules.column(text, f"{flag} {text!r}")
        new, behind = rules.column(f"{rest.strip()}=", f"{flag} {text!r}")
    except UsageError:
        behind = "?"
    if behind:
        raise UsageError(f"{flag} must be OLD=NEW, not {text!r}.")
    return old, new


def copy_settings(values: FlagValues) -> CopySettings:
    """How rows are read and copied."""
    return CopySettings(
        # gh-ost's default is no wish of the user: unless given, chunks are sized by the time they take.
        chunk_rows=values.whole("chunk-size") if values.given("chunk-size") else None,
        chunk_seconds=values.fraction("chunk-time"),
        quiet_chunk_seconds=(
            values.fraction("chunk-time") if values.given("chunk-time") else CopySettings().quiet_chunk_seconds
        ),
        workers=values.whole("workers"),
        nice_ratio=values.fraction("nice-ratio"),
        max_impact=values.fraction("max-impact") / 100,
        backlog_limit=values.whole("max-backlog"),
        defer_secondary_indexes=_one_of(values, "defer-secondary-indexes", _DEFER),
        retries=_retries(values),
    )


def _retries(values: FlagValues) -> int:
    retries = values.whole("default-retries")
    if retries > 0:
        return retries
    default = CopySettings().retries
    values.notes.append(f"--default-retries: {retries} is out of bounds; {default} is used.")
    return default


def _cut_over(values: FlagValues) -> CutOverSettings:
    lock_timeout = values.whole("cut-over-lock-timeout-seconds")
    if lock_timeout not in _LOCK_TIMEOUTS:
        default = CutOverSettings().lock_timeout
        values.notes.append(
            f"--cut-over-lock-timeout-seconds: {lock_timeout} is not between 1 and 10; {default} is used."
        )
        lock_timeout = default
    flag_file = values.text("postpone-cut-over-flag-file")
    return CutOverSettings(
        lock_timeout=lock_timeout,
        attempts=max(values.whole("default-retries"), 0) or CutOverSettings().attempts,
        exponential_backoff=values.switch("cut-over-exponential-backoff"),
        backoff_max=values.whole("exponential-backoff-max-interval"),
        postpone_flag_file=Path(flag_file) if flag_file else None,
        postpone=values.switch("postpone-cut-over"),
        verify_every=_verify_every(values),
    )


def _verify_every(values: FlagValues) -> float:
    text = values.text("verify-every").strip().lower()
    verified = _one_of(values, "verify", _VERIFY)
    if not text:
        return _EVERY if values.switch("postpone-cut-over") and verified else 0.0
    if text in ("off", "0"):
        return 0.0
    seconds = deadlines.seconds_of(text)
    if not seconds:
        raise UsageError(f"--verify-every must be a duration or off, not {text!r}.", hint="For example 1h, 30m or 90s.")
    if not verified:
        raise UsageError("--verify-every and --verify=off exclude each other.")
    return seconds


def _revert(values: FlagValues) -> RevertSettings:
    text = values.text("revert-window").strip()
    window = deadlines.seconds_of(text) if text else 0.0
    if window is None or (text and window <= 0):
        raise UsageError(f"--revert-window must be a duration, not {text!r}.", hint="For example 24h, 90m or 2d.")
    return RevertSettings(
        wanted=values.switch("revert"),
        old_table=values.text("old-table"),
        window=window,
        keep=values.switch("keep-revertible"),
    )


def _hooks(values: FlagValues) -> HookSettings:
    path = Path(values.text("hooks-path")) if values.text("hooks-path") else None
    if path is not None and not path.is_dir():
        # Hooks that guard something must not be missing because of a typing error.
        raise UsageError(f"--hooks-path: {path} is not a folder.")
    return HookSettings(
        path=path,
        hint=values.text("hooks-hint"),
        hint_owner=values.text("hooks-hint-owner"),
        hint_token=values.text("hooks-hint-token"),
        status_interval=values.whole("hooks-status-interval"),
        timeout=values.fraction("hooks-timeout"),
        count_may_veto=not values.switch("concurrent-rowcount"),
    )


def _observe(values: FlagValues) -> ObserveSettings:
    port = values.whole("metrics-port")
    if not 0 <= port < 65536:
        raise UsageError(f"--metrics-port must be between 0 and 65535, not {port}.")
    return ObserveSettings(
        log_format=_one_of(values, "log-format", {name: name for name in _LOG_FORMATS}),
        log_file=_path(values, "log-file"),
        metrics_port=port,
        metrics_address=values.text("metrics-address"),
        metrics_textfile=_path(values, "metrics-textfile"),
        statsd_address=values.text("statsd-addr"),
        statsd_tags=values.several("statsd-tags"),
        runtime_metrics_interval=values.whole("runtime-metrics-interval"),
        reports=tuple(map(Path, values.several("report"))),
    )


def _path(values: FlagValues, name: str) -> Path | None:
    return Path(values.text(name)) if values.text(name) else None


def _level(values: FlagValues) -> Level:
    if values.switch("quiet"):
        return Level.QUIET
    if values.switch("debug"):
        return Level.DEBUG
    return Level.VERBOSE if values.switch("verbose") else Level.NORMAL
