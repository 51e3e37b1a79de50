"""What may be set from Python: the flags of `ghostpy migrate` by keyword, read and checked as the flags are."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from typing import TypedDict

from ghostpy.cli.config_file import typed
from ghostpy.cli.flag import Flag, Kind, Status, Value
from ghostpy.cli.flag_table import FLAGS
from ghostpy.cli.flags import FlagValues, Origin, check_flags, keep_bounds
from ghostpy.cli.guess import guess
from ghostpy.cli.invocation import read_invocation
from ghostpy.cli.redaction import own_secrets
from ghostpy.errors import UsageError
from ghostpy.settings import MigrateSettings


class Settings(TypedDict, total=False):
    """The keywords of a call; docs/flags.md says of each what it does, and what it is where it is left out."""

    # What to change
    database: str
    desired: str | PathLike[str]
    rename_column: Sequence[str] | Mapping[str, str]
    transform: Sequence[str] | Mapping[str, str]
    where: str
    strategy: str
    attempt_instant_ddl: bool
    force_table_names: str
    # Connection
    host: str
    port: int
    user: str
    password: str
    password_file: str | PathLike[str]
    conf: str | PathLike[str]
    mysql_timeout: float
    ssl: bool
    ssl_ca: str | PathLike[str]
    ssl_cert: str | PathLike[str]
    ssl_key: str | PathLike[str]
    ssl_allow_insecure: bool
    replica_server_id: int
    binlogsyncer_max_reconnect_attempts: int
    stream_reader: str
    # Copy
    chunk_size: int
    chunk_time: float
    workers: int
    defer_secondary_indexes: bool | str
    max_backlog: int
    nice_ratio: float
    max_impact: float
    default_retries: int
    exact_rowcount: bool
    verify: bool | str
    skip_renamed_columns: bool
    initially_drop_ghost_table: bool
    initially_drop_old_table: bool
    ok_to_drop_table: bool
    refresh_materialized_views: bool
    allow_all_tables_publication: bool
    timestamp_old_table: bool
    # Cut-over
    cut_over_lock_timeout_seconds: int
    cut_over_exponential_backoff: bool
    exponential_backoff_max_interval: int
    postpone_cut_over: bool
    postpone_cut_over_flag_file: str | PathLike[str]
    verify_every: str
    force_named_cut_over: bool
    force_named_panic: bool
    panic_flag_file: str | PathLike[str]
    # Throttling
    heartbeat_interval_millis: int
    max_lag_millis: int
    throttle_control_replicas: str
    max_load: str
    critical_load: str
    critical_load_interval_millis: int
    critical_load_hibernate_seconds: int
    throttle_signal: Sequence[str]
    throttle_query: str
    throttle_http: str
    throttle_http_interval_millis: int
    throttle_http_timeout_millis: int
    ignore_http_errors: bool
    throttle_flag_file: str | PathLike[str]
    throttle_additional_flag_file: str | PathLike[str]
    window: Sequence[str]
    deadline: str
    disk_reserve_percent: float
    # Where to run
    assume_master_host: str
    master_user: str
    master_password: str
    allow_master_master: bool
    tungsten: bool
    test_on_replica: bool
    test_on_replica_skip_replica_stop: bool
    migrate_on_replica: bool
    # Backups
    require_backup_file: Sequence[str]
    backup_max_age: str
    require_backup_command: Sequence[str]
    backup_command_timeout: float
    before: str
    before_timeout: float
    # Resume and revert
    checkpoint_seconds: int
    resume: bool
    restart: bool
    revert_window: str
    keep_revertible: bool
    # Commands, hooks, metrics
    serve_socket_file: str | PathLike[str]
    serve_tcp_port: int
    serve_tcp_host: str
    serve_tcp_token_file: str | PathLike[str]
    initially_drop_socket_file: bool
    hooks_path: str | PathLike[str]
    hooks_hint: str
    hooks_hint_owner: str
    hooks_hint_token: str
    hooks_status_interval: int
    hooks_timeout: float


_OF_THE_CALL = frozenset(("url", "table", "alter", "execute", "revert", "old-table"))
"""Said by which function is called, and by its own parameters."""
_OF_THE_PROGRAM = frozenset(
    (
        *("config", "profile", "ask-pass"),
        *("metrics-port", "metrics-address", "metrics-textfile"),
        *("statsd-addr", "statsd-tags", "runtime-metrics-interval"),
        *("verbose", "debug", "quiet", "summary", "stack", "display", "log-format", "log-file", "report"),
        *("help", "version", "check-flag"),
    )
)
"""Where settings come from and how a run is shown is for the program that calls."""
_WRITTEN = re.compile(r"(`[^`]*`)|--([a-z][a-z-]*[a-z])")


@dataclass(frozen=True, slots=True)
class Read:
    """The settings of one call."""

    settings: MigrateSettings
    notes: tuple[str, ...]
    """For the log, before anything else."""
    redact: Callable[[str], str] = field(repr=False)
    """Takes this call's secrets out of a text."""


def keywords() -> Mapping[str, Flag]:
    """Those of `Settings`, and the flags they stand for."""
    left_out = _OF_THE_CALL | _OF_THE_PROGRAM
    usable = (flag for flag in FLAGS.values() if flag.status is Status.WORKS and flag.name not in left_out)
    return {_keyword(flag.name): flag for flag in usable}


def read_settings(
    url: str,
    table: str,
    alter: str,
    settings: Mapping[str, object],
    *,
    execute: bool = False,
    old_table: str | None = None,
) -> Read:
    """`old_table`: what a revert must go back to, empty for whatever it is; None: this is no revert.

    Nothing of ours is taken from the environment or from files that are not named; what libpq takes from its own, it does.
    Raises UsageError where something is not known, missing, or does not fit.
    """
    with own_secrets() as redact:
        try:
            values = _values(url, table, alter, settings)
            own: dict[str, Value] = {"execute": execute, "revert": old_table is not None, "old-table": old_table or ""}
            for name, value in own.items():
                if value:
                    values.put(FLAGS[name], value, Origin.ENVIRONMENT, _keyword(name))
            # The flag, as gh-ost has it, wants --old-table as well.
            check_flags(values, unneeded="old-table" if old_table is not None else "")
            invocation = read_invocation(values, _of_libpq(os.environ), _nobody)
        except UsageError as error:
            hint = "" if error.hint == UsageError.default_hint else _in_keywords(error.hint)
            raise UsageError(redact(_in_keywords(error.message)), hint=redact(hint)) from None
    return Read(invocation.settings, tuple(redact(_in_keywords(note)) for note in invocation.notes), redact)


def _values(url: str, table: str, alter: str, settings: Mapping[str, object]) -> FlagValues:
    values = FlagValues()
    own = {name: text for name, text in (("url", url), ("table", table), ("alter", alter)) if text != ""}
    flags = {**{name: FLAGS[name] for name in own}, **{name: _flag(name) for name in settings}}
    for keyword, value in {**settings, **own}.items():
        if value is None:
            continue
        flag = flags[keyword]
        # Not as from a command line, which others could read.
        values.put(flag, typed(flag, _plain(flag, value), keyword), Origin.ENVIRONMENT, keyword)
    keep_bounds(values)
    return values


def _flag(keyword: str) -> Flag:
    name = keyword.replace("_", "-")
    if name in _OF_THE_CALL:
        raise UsageError(f"{keyword} is no setting of this call.", hint="See docs/library.md.")
    if name in _OF_THE_PROGRAM:
        raise UsageError(
            f"{keyword} is for the program `ghostpy`, and no setting of a call.",
            hint="Settings are given by keyword; the run is watched with on_progress and the logger `ghostpy`.",
        )
    if name not in FLAGS or "-" in keyword:
        raise UsageError(
            f"There is no setting {keyword!r}.{guess(name, FLAGS).replace('-', '_')}",
            hint="Settings are the flags of `ghostpy migrate`, with _ for -.",
        )
    return FLAGS[name]


def _plain(flag: Flag, value: object) -> object:
    """As a file of settings would have it."""
    if isinstance(value, PathLike):
        return os.fspath(value)
    if flag.kind is Kind.TEXT and isinstance(value, bool) and {"on", "off"} <= set(flag.choices):
        return "on" if value else "off"
    if flag.kind is Kind.SEVERAL:
        if isinstance(value, Mapping):
            return [f"{name}={text}" for name, text in value.items()]
        if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
            return list(value)
    return value


def _keyword(name: str) -> str:
    return name.replace("-", "_")


def _in_keywords(text: str) -> str:
    """Flags in a text by the names that they have here; not those of commands that are to be typed."""

    def spelled(found: re.Match[str]) -> str:
        return _keyword(found[2]) if found[2] in FLAGS else found[0]

    return _WRITTEN.sub(spelled, text)


def _of_libpq(environment: Mapping[str, str]) -> Mapping[str, str]:
    return {name: value for name, value in environment.items() if name.startswith("PG") or name == "HOME"}


def _nobody(prompt: str) -> str:
    raise UsageError("nobody can be asked for a password")
