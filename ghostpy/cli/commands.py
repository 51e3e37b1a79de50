"""Every command of the program: overview, man page and shell completion are made from this table."""

from __future__ import annotations

from msgspec import Struct

from ghostpy.cli.control_words import WORDS

OWN_OF_VERIFY = (
    "other", "renamed", "max-differences", "again-after", "json", "database", "table", "transform", "where",
    "force-table-names", "chunk-size", "chunk-time", "workers", "nice-ratio", "default-retries", "max-load",
    "critical-load", "critical-load-interval-millis", "critical-load-hibernate-seconds", "throttle-signal",
    "throttle-query", "throttle-http", "throttle-http-interval-millis", "throttle-http-timeout-millis",
    "ignore-http-errors", "throttle-flag-file", "throttle-additional-flag-file", "panic-flag-file", "window", "deadline",
    "config", "profile", "quiet", "debug",
)  # fmt: skip

OWN_OF_BACKFILL = (
    "set", "database", "table", "where", "execute", "restart", "resume", "force-table-names", "assume-master-host",
    "master-user", "master-password", "allow-master-master", "chunk-size", "chunk-time", "nice-ratio", "max-impact",
    "default-retries", "exact-rowcount", "heartbeat-interval-millis", "max-lag-millis", "throttle-control-replicas",
    "max-load", "critical-load", "critical-load-interval-millis", "critical-load-hibernate-seconds", "throttle-signal",
    "throttle-query", "throttle-http", "throttle-http-interval-millis", "throttle-http-timeout-millis",
    "ignore-http-errors", "throttle-flag-file", "throttle-additional-flag-file", "panic-flag-file", "window", "deadline",
    "disk-reserve-percent", "serve-socket-file", "serve-tcp-port", "serve-tcp-host", "serve-tcp-token-file",
    "initially-drop-socket-file", "force-named-panic", "hooks-path", "hooks-hint", "hooks-hint-owner",
    "hooks-hint-token", "hooks-status-interval", "hooks-timeout", "metrics-port", "metrics-address", "metrics-textfile",
    "statsd-addr", "statsd-tags", "runtime-metrics-interval", "report", "log-format", "log-file", "display", "summary",
    "check-flag", "config", "profile", "quiet", "verbose", "debug", "stack", "require-backup-file", "backup-max-age",
    "require-backup-command", "backup-command-timeout", "before", "before-timeout",
)  # fmt: skip

OWN_OF_EXPANSIONS = (
    *(name for name in OWN_OF_BACKFILL if name not in ("set", "where", "summary", "resume", "restart")),
    "cut-over-lock-timeout-seconds",
)

OWN_OF_APPLY = (
    *(
        name
        for name in OWN_OF_BACKFILL
        if name not in ("set", "where", "table", "resume", "force-table-names", "exact-rowcount")
    ),
    *("strategy", "workers", "max-backlog", "defer-secondary-indexes", "verify", "checkpoint-seconds", "ok-to-drop-table"),
    *("cut-over-lock-timeout-seconds", "cut-over-exponential-backoff", "exponential-backoff-max-interval"),
    *("refresh-materialized-views", "allow-all-tables-publication"),
)  # fmt: skip


class Command(Struct, frozen=True):
    """One command, whose module in this room has its name and a function `run`."""

    name: str
    arguments: str
    """Behind the name, as the overview shows them."""
    meaning: str
    flags: bool = False
    """Whether it takes the flags of `migrate`."""
    connects: bool = False
    """Whether it takes those of them that are about the connection."""
    words: tuple[str, ...] = ()
    """What may stand behind the name, where that is one of a few words."""
    own: tuple[str, ...] = ()
    """Flags of its own, beside those of `migrate`, if it takes these."""


COMMANDS = (
    Command(
        "migrate", '--alter "…"|--desired FILE [flags]', "change a table (the word migrate may be left out)", flags=True
    ),
    Command(
        "plan",
        '--alter "…"|--desired FILE|SCRIPT.sql [--format …] [flags]',
        "say how a table would be changed, and what stands against it; changes nothing",
        flags=True,
        own=("format", "schema"),
    ),
    Command(
        "backfill",
        '--table … --set "col = expr" [--execute] [flags]',
        "update the rows of a table where they are, chunk by chunk",
        connects=True,
        own=OWN_OF_BACKFILL,
    ),
    Command(
        "expand",
        '--table … --add "column type" --up "new = SQL" --down "old = SQL" [--execute] [flags]',
        "add columns, and keep old and new ones in step both ways",
        connects=True,
        own=("add", "up", "down", "format", *OWN_OF_EXPANSIONS),
    ),
    Command(
        "contract",
        "--table … [--execute] [flags]",
        "remove the old columns of an expanded table, once nobody uses them",
        connects=True,
        own=("watch-seconds", "allow-unproven", "format", *OWN_OF_EXPANSIONS),
    ),
    Command(
        "rollback",
        "--table … [--execute] [flags]",
        "take an expansion back, or make the old columns again",
        connects=True,
        own=("allow-unproven", "undo", "format", *OWN_OF_EXPANSIONS),
    ),
    Command(
        "diff",
        "--desired FILE [--format …] [flags]",
        "say what leads from a table to its CREATE TABLE as it should be; changes nothing",
        flags=True,
        own=("format",),
    ),
    Command(
        "apply",
        "SCRIPT.sql --url … [--execute] [flags]",
        "carry out a migration script, each statement by its safest way and exactly once",
        connects=True,
        own=("name", "small-rows", "allow", "in-doubt", "format", *OWN_OF_APPLY),
    ),
    Command(
        "batch",
        "PLAN.toml [flags]",
        "carry out a list of migrations",
        flags=True,
        own=("jobs", "log-dir", "stop-on-failure", "json"),
    ),
    Command(
        "revert",
        "--table … [--execute] [flags]",
        "go back to the table as it was before the last change, with all rows changed since",
        flags=True,
    ),
    Command(
        "cleanup",
        "--url … [--execute]",
        "what dead runs left on a server; --execute removes it",
        connects=True,
        own=("execute", "old-tables", "config", "profile", "debug"),
    ),
    Command(
        "verify",
        "--url … --table … [--other …]",
        "compare two tables row by row",
        connects=True,
        own=OWN_OF_VERIFY,
    ),
    Command(
        "control",
        "[--socket …|--table …] COMMAND",
        "steer a run under way",
        words=WORDS,
        own=("socket", "table", "database", "url"),
    ),
    Command("list", "[--json]", "the runs on this host", own=("json",)),
    Command("top", "[--once]", "the runs on this host, live", own=("once", "interval")),
    Command("config", "[flags]", "the settings of a run, and where each comes from", flags=True, own=("json",)),
    Command("completion", "SHELL", "print what completes calls in bash, zsh or fish", words=("bash", "zsh", "fish")),
    Command("man", "", "print the manual page: ghostpy man | man -l -"),
    Command("demo", "", "watch it work on a throwaway server", own=("dialect", "rows", "rate", "writers")),
    Command(
        "sandbox",
        "KIND",
        "hold a throwaway server until Ctrl-C",
        words=("mysql", "mariadb", "postgres"),
        own=("version", "replicas", "option"),
    ),
)

NAMES = tuple(command.name for command in COMMANDS)


def listed() -> str:
    """The commands with their meanings, a line each."""
    lines = [(f"ghostpy {command.name} {command.arguments}".rstrip(), command.meaning) for command in COMMANDS]
    width = max(len(call) for call, _ in lines)
    return "\n".join(f"  {call:<{width}}  {meaning}" for call, meaning in lines)
