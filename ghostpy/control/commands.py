"""Every command that a run under way takes. Parser, help and the page of documentation are made from this table.

Names, aliases and answers are gh-ost's, as far as gh-ost has them.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Collection
from enum import Enum
from pathlib import Path
from typing import Any, TypeAlias

from msgspec import Struct, to_builtins

from ghostpy.control.desk import Desk, Refused
from ghostpy.control.explain import explained
from ghostpy.control.profile import profiled
from ghostpy.errors import Aborted, GhostpyError, Panicked, Stopped
from ghostpy.observe.status_line import eta_text

Act: TypeAlias = Callable[[Desk, str], str | Awaitable[str]]
_NOTE = "# Note: you may only throttle for as long as your binary logs are not purged"


class Command(Struct, frozen=True):
    """`argument`: as the help shows it, behind `=`; `ours`: gh-ost has no such command."""

    name: str
    meaning: str
    act: Act
    argument: str = ""
    aliases: tuple[str, ...] = ()
    ours: bool = False


# --- answers ------------------------------------------------------------------------------------------------------------


def _status(desk: Desk, argument: str) -> str:
    if argument == "json":
        return json.dumps(_plain(_figures(desk)))
    return desk.status


def _figures(desk: Desk) -> dict[str, Any]:
    facts, knobs, throttler = desk.facts, desk.steering.knobs, desk.steering.throttler
    return {
        "table": str(facts.source),
        "server": facts.address,
        "host": facts.executing_host,
        "started": facts.started.isoformat(),
        **to_builtins(desk.progress),
        "eta_text": eta_text(desk.progress),
        "knobs": to_builtins(knobs),
        "window": throttler.window,
        "deadline": throttler.deadline,
        "explained": explained(desk.progress, knobs, desk.steering.postponement),
    }


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, Enum):
        return value.value
    return value if isinstance(value, (int, float, str, list, tuple)) or value is None else str(value)


def _explain(desk: Desk, _: str) -> str:
    return explained(desk.progress, desk.steering.knobs, desk.steering.postponement)


def _coordinates(desk: Desk, argument: str) -> str:
    if argument not in ("", "?"):
        raise Refused("coordinates are read-only")
    return desk.progress.stream_position


def _server(desk: Desk, _: str) -> str:
    return f"Host: {desk.facts.address}, Version: {desk.version}"


def _lag_query(_: Desk, __: str) -> str:
    raise Refused("replication-lag-query is deprecated. gh-ost uses an internal, subsecond resolution query")


async def _profile(_: Desk, argument: str) -> str:
    return await asyncio.to_thread(profiled, argument)


# --- settings -----------------------------------------------------------------------------------------------------------


def _setting(
    read: Callable[[Desk], object], write: Callable[[Desk, str], None], note: Callable[[Desk], str] | None = None
) -> Act:
    """Answers `?` with the value, and else sets it."""

    def act(desk: Desk, argument: str) -> str:
        if argument == "?":
            return str(read(desk))
        write(desk, argument)
        return desk.status if note is None else f"{note(desk)}\n{desk.status}"

    return act


def _whole(text: str, low: int, high: int | None) -> int:
    try:
        value = int(text)
    except ValueError:
        raise Refused(f"{text!r} is not a whole number") from None
    return max(low, value if high is None else min(high, value))


def _fraction(text: str, low: float, high: float) -> float:
    try:
        value = float(text)
    except ValueError:
        raise Refused(f"{text!r} is not a number") from None
    if value != value:
        raise Refused(f"{text!r} is not a number")
    return max(low, min(high, value))


def _set_chunk(desk: Desk, text: str) -> None:
    desk.steering.chunker.fixed = _whole(text, 10, 100_000)


def _set_batch(desk: Desk, text: str) -> None:
    desk.steering.knobs.resync_keys = _whole(text, 1, 1000)


def _set_workers(desk: Desk, text: str) -> None:
    desk.steering.knobs.workers = _whole(text, 1, 64)


def _set_nice(desk: Desk, text: str) -> None:
    desk.steering.knobs.nice_ratio = _fraction(text, 0.0, 100.0)


def _set_impact(desk: Desk, text: str) -> None:
    desk.steering.knobs.max_impact = _fraction(text, 0.0, 10_000.0) / 100


def _throttle(desk: Desk, table: str) -> str:
    desk.named("throttle", table)
    desk.steering.throttler.commanded = True
    return f"{_NOTE}\n{desk.status}"


def _no_throttle(desk: Desk, table: str) -> str:
    desk.named("no-throttle", table)
    desk.steering.throttler.commanded = False
    return desk.status


# --- the end --------------------------------------------------------------------------------------------------------------


def _postpone(desk: Desk, path: str) -> str:
    if not path:
        raise Refused("postpone-cut-over-flag-file needs the path of a file")
    desk.steering.postponement.postpone(Path(path))
    return f"Postponed\n{desk.status}"


def _unpostpone(desk: Desk, table: str) -> str:
    desk.named("unpostpone", table, must=desk.must_name_cut_over, flag="--force-named-cut-over")
    if not desk.steering.postponement.active:
        raise Refused("You may only invoke this when gh-ost is actively postponing migration. At this time it is not")
    desk.steering.postponement.release()
    return f"Unpostponed\n{desk.status}"


def _verify(desk: Desk, table: str) -> str:
    desk.named("verify", table)
    if desk.steering.again is None:
        raise Refused("There is nothing to compare: this run was started with --verify=off")
    if not desk.steering.postponement.active:
        raise Refused(
            "All rows are compared once in any case; again only while the cut-over is postponed, which it is not"
        )
    desk.steering.again.begin()
    return "Comparing all rows again; `status` says what comes of it"


def _panic(desk: Desk, table: str) -> str:
    desk.named("panic", table, must=desk.must_name_panic, flag="--force-named-panic")
    desk.steering.ending.ask(Panicked(desk.kind.panic, hint=desk.kind.panic_hint))
    return desk.kind.panic


def _revert(desk: Desk, table: str) -> str:
    desk.named("revert", table)
    if desk.steering.window is None:
        raise Refused("There is nothing to revert: this run keeps no old table in step")
    desk.steering.window.revert()
    return "Reverting: the names are exchanged back"


def _stop(desk: Desk, table: str) -> str:
    desk.named("stop", table)
    desk.steering.ending.ask(Stopped("an operator said `stop`"))
    return "Stopping: the same command goes on"


def _abort(desk: Desk, table: str) -> str:
    desk.named("abort", table)
    desk.steering.ending.ask(Aborted("an operator said `abort`"))
    return "Aborting: what the run has made is removed"


_TABLE = "[table]"
COMMANDS = (
    Command("help", "This list", lambda desk, _: help_text(desk.kind.without)),
    Command("status", "Settings, and the status line; `status json`: all figures", _status, "[json]", ("info",)),
    Command("sup", "The status line", lambda desk, _: desk.line),
    Command("eta", "When the copy will be done", lambda desk, _: eta_text(desk.progress), ours=True),
    Command("explain", "Why it is slow, or waits, in one sentence", _explain, ours=True),
    Command("coordinates", "The place in the change stream", _coordinates),
    Command("applier", "The server that is written to", _server),
    Command("inspector", "The server that is read from", _server),
    Command(
        "chunk-size",
        "Rows a chunk, fixed (10 to 100000)",
        _setting(lambda desk: desk.steering.chunker.rows, _set_chunk),
        "<rows>",
    ),
    Command(
        "dml-batch-size",
        "Keys a resync (1 to 1000)",
        _setting(lambda desk: desk.steering.knobs.resync_keys, _set_batch),
        "<keys>",
    ),
    Command(
        "workers",
        "Chunks at the same time (1 to 64)",
        _setting(lambda desk: desk.steering.knobs.workers, _set_workers),
        "<number>",
        ours=True,
    ),
    Command(
        "nice-ratio",
        "Rest after each slice of work, as a multiple of its duration (0 to 100)",
        _setting(lambda desk: desk.steering.knobs.nice_ratio, _set_nice),
        "<ratio>",
    ),
    Command(
        "max-impact",
        "Percent by which commits may take longer because of the run (0 to 10000); 0: no such limit",
        _setting(lambda desk: f"{desk.steering.knobs.max_impact * 100:g}", _set_impact),
        "<percent>",
        ours=True,
    ),
    Command(
        "max-lag-millis",
        "Rest while a replica is further behind (at least 100)",
        _setting(
            lambda desk: desk.steering.throttler.max_lag_millis,
            lambda desk, text: desk.steering.throttler.set_max_lag_millis(_whole(text, 100, None)),
        ),
        "<milliseconds>",
    ),
    Command(
        "max-load",
        "Rest while one of these is reached; empty: none",
        _setting(
            lambda desk: desk.steering.throttler.max_load,
            lambda desk, text: desk.steering.throttler.set_max_load(text),
        ),
        "<figure=threshold,…>",
    ),
    Command(
        "critical-load",
        "End, or hibernate, when one of these is reached; empty: none",
        _setting(
            lambda desk: desk.steering.throttler.critical_load,
            lambda desk, text: desk.steering.throttler.set_critical_load(text),
        ),
        "<figure=threshold,…>",
    ),
    Command(
        "throttle-query",
        "Rest while this query gives more than 0; empty: none",
        _setting(
            lambda desk: desk.steering.throttler.query,
            lambda desk, text: desk.steering.throttler.set_query(text),
            lambda _: _NOTE,
        ),
        "<SQL>",
    ),
    Command(
        "throttle-http",
        "Rest while this address answers anything but 200; empty: none",
        _setting(
            lambda desk: desk.steering.throttler.http,
            lambda desk, text: desk.steering.throttler.set_http(text),
            lambda _: _NOTE,
        ),
        "<URL>",
    ),
    Command(
        "throttle-control-replicas",
        "The replicas whose lag counts; empty: those that are found",
        _setting(
            lambda desk: desk.steering.throttler.control_replicas,
            lambda desk, text: desk.steering.throttler.set_control_replicas(text),
            lambda desk: desk.steering.throttler.control_replicas,
        ),
        "<host:port,…>",
    ),
    Command("replication-lag-query", "Not used any more", _lag_query, "<SQL>"),
    Command(
        "window",
        "Work only then; empty: always",
        _setting(
            lambda desk: desk.steering.throttler.window, lambda desk, text: desk.steering.throttler.set_window(text)
        ),
        "<22:00-06:00 zone,…>",
        ours=True,
    ),
    Command(
        "deadline",
        "Stop then, to be gone on with; empty: never",
        _setting(
            lambda desk: desk.steering.throttler.deadline, lambda desk, text: desk.steering.throttler.set_deadline(text)
        ),
        "<time, duration or window>",
        ours=True,
    ),
    Command("throttle", "Rest", _throttle, _TABLE, ("pause", "suspend")),
    Command(
        "no-throttle",
        "Go on, if nothing else asks for rest",
        _no_throttle,
        _TABLE,
        ("unthrottle", "resume", "continue"),
    ),
    Command(
        "postpone-cut-over-flag-file", "Hold the cut-over back while this file exists; it is made", _postpone, "<path>"
    ),
    Command("unpostpone", "Let the cut-over come", _unpostpone, _TABLE, ("no-postpone", "cut-over")),
    Command("verify", "Compare all rows again, while the cut-over is postponed", _verify, _TABLE, ours=True),
    Command("revert", "Exchange the names back, with all changes since", _revert, _TABLE, ours=True),
    Command("stop", "End, and keep the work: the same command goes on", _stop, _TABLE, ours=True),
    Command("abort", "End, and remove what the run has made", _abort, _TABLE, ours=True),
    Command("panic", "End at once, and clean nothing up", _panic, _TABLE),
    Command(
        "cpu-profile",
        "Where the process spends its time: stacks with counts, in base64",
        _profile,
        "[duration][,gzip][,block]",
    ),
)
_BY_NAME = {name: command for command in COMMANDS for name in (command.name, *command.aliases)}


async def answered(desk: Desk, name: str, argument: str) -> str:
    """The answer to one command. Raises Refused."""
    command = _BY_NAME.get(name)
    if command is None:
        raise Refused(f"unknown command: {name[:100]}")
    if command.name in desk.kind.without:
        raise Refused(f"{command.name} means nothing to a {desk.kind.name}: {desk.kind.without[command.name]}")
    try:
        answer = command.act(desk, argument)
        return answer if isinstance(answer, str) else await answer
    except GhostpyError as error:
        raise Refused(error.message) from error


def known(name: str) -> bool:
    return name in _BY_NAME


def changes(name: str, argument: str) -> bool:
    """Whether a command does something, and does not only ask."""
    command = _BY_NAME.get(name)
    return command is not None and argument != "?" and bool(command.argument) and command.act not in (_status, _profile)


def parsed(line: str) -> tuple[str, str]:
    """Name and argument: parted at the first `=`, where there is none at the first blank; an argument in quotes is taken out of them."""
    name, equals, argument = line.partition("=")
    if not equals or " " in name.strip():
        first, _, rest = line.strip().partition(" ")
        if not equals or _BY_NAME.get(first):
            name, argument = first, rest
    argument = argument.strip()
    if len(argument) >= 2 and argument[0] == argument[-1] and argument[0] in "\"'`":
        argument = argument[1:-1]
    return name.strip(), argument


def help_text(without: Collection[str] = ()) -> str:
    commands = [command for command in COMMANDS if command.name not in without]
    calls = [f"{command.name}{_shown(command)}" for command in commands]
    width = max(map(len, calls))
    lines = ["available commands:"]
    for call, command in zip(calls, commands, strict=True):
        also = f" ({', '.join(command.aliases)})" if command.aliases else ""
        lines.append(f"{call:<{width}}  # {command.meaning}{also}")
    lines += ["- use '?' as an argument to get a setting's value: chunk-size=?"]
    return "\n".join(lines)


def _shown(command: Command) -> str:
    if not command.argument:
        return ""
    return f"={command.argument}" if command.argument.startswith("<") else f" {command.argument}"
