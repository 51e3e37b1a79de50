"""Hooks without a server: which are run, in what order, with what they are told, and what becomes of bad ones."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from ghostpy.engine.retry import retried_telling
from ghostpy.errors import HookFailed, TransientError
from ghostpy.model.moment import HookOutput, Moment
from ghostpy.model.progress import Phase, Progress
from ghostpy.observe.hook_variables import HookFacts, document, variables
from ghostpy.observe.hooks import Hooks, hooks_at, regular_status
from ghostpy.observe.status_line import status_line
from ghostpy.settings import HookSettings

FACTS = HookFacts(
    database="shop",
    table="t",
    shadow="_t_gho",
    old="_t_del",
    alter="ADD c INT",
    server="db1",
    asked="db2",
    executing_host="ops",
    hint="a hint",
    hint_owner="me",
    hint_token="abc",
)
PROGRESS = Progress(
    phase=Phase.COPY,
    elapsed=12.25,
    copy_elapsed=10.5,
    rows_estimate=1000,
    rows_copied=250,
    eta=31.5,
    stream_lag=0.25,
    lag=1.5,
)
# Every variable that gh-ost hands to all hooks, with its form.
EXPECTED = {
    "GH_OST_DATABASE_NAME": "shop",
    "GH_OST_TABLE_NAME": "t",
    "GH_OST_GHOST_TABLE_NAME": "_t_gho",
    "GH_OST_OLD_TABLE_NAME": "_t_del",
    "GH_OST_DDL": "ADD c INT",
    "GH_OST_ELAPSED_SECONDS": "12.250000",
    "GH_OST_ELAPSED_COPY_SECONDS": "10.500000",
    "GH_OST_ESTIMATED_ROWS": "1000",
    "GH_OST_COPIED_ROWS": "250",
    "GH_OST_MIGRATED_HOST": "db1",
    "GH_OST_INSPECTED_HOST": "db2",
    "GH_OST_EXECUTING_HOST": "ops",
    "GH_OST_INSPECTED_LAG": "1.500000",
    "GH_OST_HEARTBEAT_LAG": "0.250000",
    "GH_OST_PROGRESS": "25.000000",
    "GH_OST_ETA_SECONDS": "31",
    "GH_OST_HOOKS_HINT": "a hint",
    "GH_OST_HOOKS_HINT_OWNER": "me",
    "GH_OST_HOOKS_HINT_TOKEN": "abc",
    "GH_OST_DRY_RUN": "false",
    "GH_OST_REVERT": "false",
}


class Heard:
    """Remembers what happens."""

    def __init__(self) -> None:
        self.output: list[str] = []
        self.warnings: list[str] = []

    def happened(self, text: str, *, warning: bool = False) -> None:
        if isinstance(text, HookOutput):
            self.output.append(text)
        elif warning:
            self.warnings.append(text)


def hook(folder: Path, name: str, script: str) -> Path:
    path = folder / f"gh-ost-on-{name}"
    path.write_text(f"#!/bin/bash\n{script}\n")
    path.chmod(0o755)
    return path


def reach(folder: Path, *moments: tuple[Moment, str], **settings: object) -> Heard:
    """What is heard of the hooks in `folder` at these moments."""
    heard = Heard()
    hooks = Hooks(replace(HookSettings(path=folder), **settings), FACTS, lambda: PROGRESS, heard)  # type: ignore[arg-type]

    async def work() -> None:
        for moment, detail in moments:
            await hooks.reached(moment, detail)

    asyncio.run(work())
    return heard


def test_the_variables_are_those_of_gh_ost() -> None:
    assert variables(FACTS, PROGRESS, Moment.STARTUP) == EXPECTED


@pytest.mark.parametrize(
    ("moment", "detail", "told"),
    [
        (Moment.INTERACTIVE_COMMAND, "throttle", {"GH_OST_COMMAND": "'throttle'"}),
        (Moment.STATUS, "Copy: 0/0", {"GH_OST_STATUS": "'Copy: 0/0'"}),
        (Moment.SUCCESS, "instant", {"GH_OST_INSTANT_DDL": "true"}),
        (Moment.SUCCESS, "shadow", {"GH_OST_INSTANT_DDL": "false"}),
        (Moment.BATCH_COPY_RETRY, "Lock wait timeout", {"GH_OST_LAST_BATCH_COPY_ERROR": "Lock wait timeout"}),
    ],
)
def test_variables_of_one_moment(moment: Moment, detail: str, told: dict[str, str]) -> None:
    assert variables(FACTS, PROGRESS, moment, detail) == {**EXPECTED, **told}


def test_variables_at_the_edges() -> None:
    unknown = variables(replace(FACTS, dry_run=True), Progress(), Moment.STARTUP)
    assert unknown["GH_OST_DRY_RUN"] == "true"
    assert unknown["GH_OST_PROGRESS"] == "0.000000"
    begun = replace(PROGRESS, eta=None)
    assert variables(FACTS, begun, Moment.STATUS)["GH_OST_ETA_SECONDS"] == "-9223372036854775808"
    empty = variables(FACTS, Progress(copy_complete=True), Moment.ROW_COPY_COMPLETE)
    assert (empty["GH_OST_PROGRESS"], empty["GH_OST_ETA_SECONDS"]) == ("100.000000", "0")


def test_hooks_are_found_by_the_beginning_of_their_names_and_sorted(tmp_path: Path) -> None:
    for name in ("status", "status-b", "status-B", "status.d", "startup", "success"):
        hook(tmp_path, name, "true")
    (tmp_path / "README").write_text("not a hook")
    assert [path.name for path in hooks_at(tmp_path, Moment.STATUS)] == [
        "gh-ost-on-status",
        "gh-ost-on-status-B",
        "gh-ost-on-status-b",
        "gh-ost-on-status.d",
    ]
    assert hooks_at(tmp_path, Moment.FAILURE) == []


def test_hooks_run_in_order_and_those_added_meanwhile_run_too(tmp_path: Path) -> None:
    added = (
        'printf \'#!/bin/sh\\necho added\\n\' > "$(dirname "$0")/gh-ost-on-validated"; chmod 755 "$(dirname "$0")"/*'
    )
    hook(tmp_path, "startup-2", "echo second; echo to stderr >&2")
    hook(tmp_path, "startup-1", f"echo first; {added}")
    heard = reach(tmp_path, (Moment.STARTUP, ""), (Moment.VALIDATED, ""))
    assert heard.output == [
        "gh-ost-on-startup-1: first",
        "gh-ost-on-startup-2: second",
        "gh-ost-on-startup-2: to stderr",
        "gh-ost-on-validated: added",
    ]


def test_what_a_hook_is_handed(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    hook(tmp_path, "status", f"env > {seen}.env; cat > {seen}.json; echo $# > {seen}.arguments")
    reach(tmp_path, (Moment.STATUS, "Copy: 250/1000"))
    told = dict(
        line.split("=", 1) for line in Path(f"{seen}.env").read_text().splitlines() if line.startswith("GH_OST_")
    )
    assert told == {**EXPECTED, "GH_OST_STATUS": "'Copy: 250/1000'"}
    assert Path(f"{seen}.arguments").read_text() == "0\n"
    stdin = json.loads(Path(f"{seen}.json").read_text())
    assert set(stdin) == {"version", "moment", "hook", "time", "detail", "variables", "progress"}
    assert (stdin["version"], stdin["moment"], stdin["hook"]) == (1, "status", "gh-ost-on-status")
    assert stdin["variables"] == told
    assert stdin["detail"] == "Copy: 250/1000"
    assert (stdin["progress"]["phase"], stdin["progress"]["fraction"]) == ("copying", 0.25)
    assert stdin["progress"]["rows_copied"] == 250


def test_the_document_is_one_line_whatever_is_in_it() -> None:
    from datetime import UTC, datetime

    told = document(replace(FACTS, alter="a\n'\"ü\x00"), PROGRESS, Moment.FAILURE, "two\nlines", datetime.now(UTC))
    assert told.count(b"\n") == 1
    assert json.loads(told)["variables"]["GH_OST_DDL"] == "a\n'\"ü\x00"


IGNORED = [Moment.BATCH_COPY_RETRY, Moment.STATUS, Moment.START_REPLICATION, Moment.FAILURE, Moment.ROWCOUNT_COMPLETE]


@pytest.mark.parametrize("moment", list(Moment))
def test_the_effect_of_a_failure(tmp_path: Path, moment: Moment) -> None:
    hook(tmp_path, f"{moment.value}-1", "echo bad; exit 3")
    hook(tmp_path, f"{moment.value}-2", "echo not reached")
    if moment in IGNORED:
        heard = reach(tmp_path, (moment, ""))
        assert heard.output == [f"gh-ost-on-{moment.value}-1: bad"]
        assert "ended with exit status 3; the run goes on" in heard.warnings[0]
    else:
        with pytest.raises(HookFailed, match=f"gh-ost-on-{moment.value}-1 ended with exit status 3"):
            reach(tmp_path, (moment, ""))


def test_a_count_that_is_waited_for_may_be_vetoed(tmp_path: Path) -> None:
    hook(tmp_path, "rowcount-complete", "exit 1")
    with pytest.raises(HookFailed):
        reach(tmp_path, (Moment.ROWCOUNT_COMPLETE, ""), count_may_veto=True)


@pytest.mark.parametrize(
    ("prepare", "told"),
    [
        (lambda path: path.chmod(0o644), "cannot be started: Permission denied"),
        (lambda path: path.write_text("#!/no/such/interpreter\n"), "cannot be started: No such file"),
        (lambda path: path.write_text("#!/bin/sh\nkill -9 $$\n"), "was ended by signal 9"),
        (lambda path: (path.unlink(), path.mkdir()), "cannot be started: Permission denied"),
    ],
)
def test_hooks_that_cannot_be_run(tmp_path: Path, prepare: Callable[[Path], object], told: str) -> None:
    prepare(hook(tmp_path, "startup", "true"))
    with pytest.raises(HookFailed, match=told):
        reach(tmp_path, (Moment.STARTUP, ""))


def test_a_change_that_no_environment_holds_is_a_failure_and_no_crash(tmp_path: Path) -> None:
    hook(tmp_path, "startup", "true")
    hooks = Hooks(HookSettings(path=tmp_path), replace(FACTS, alter="x" * 2**20), Progress, Heard())  # type: ignore[arg-type]
    with pytest.raises(HookFailed, match="cannot be started"):
        asyncio.run(hooks.reached(Moment.STARTUP))


def test_a_folder_that_is_gone_is_a_failure(tmp_path: Path) -> None:
    with pytest.raises(HookFailed, match="cannot be listed"):
        reach(tmp_path / "gone", (Moment.STARTUP, ""))


@pytest.mark.parametrize("trap", ["", "trap '' TERM; "])
def test_a_hook_that_hangs_is_killed_with_its_children(tmp_path: Path, trap: str) -> None:
    hook(tmp_path, "before-cut-over", f"{trap}sleep 300 & echo $! > {tmp_path}/child; echo waiting; wait; wait")
    with pytest.raises(HookFailed, match=r"did not end within 0\.5 s and was killed"):
        reach(tmp_path, (Moment.BEFORE_CUT_OVER, ""), timeout=0.5)
    assert_gone(int((tmp_path / "child").read_text()))


def test_a_hook_ends_with_the_run(tmp_path: Path) -> None:
    hook(tmp_path, "before-cut-over", f"echo $$ > {tmp_path}/pid.new; mv {tmp_path}/pid.new {tmp_path}/pid; sleep 300")
    hooks = Hooks(HookSettings(path=tmp_path), FACTS, Progress, Heard())  # type: ignore[arg-type]

    async def interrupted() -> None:
        waiting = asyncio.create_task(hooks.reached(Moment.BEFORE_CUT_OVER))
        while not (tmp_path / "pid").exists():
            await asyncio.sleep(0.01)
        waiting.cancel()
        await asyncio.wait([waiting])
        assert waiting.cancelled()

    asyncio.run(interrupted())
    assert_gone(int((tmp_path / "pid").read_text()))


def assert_gone(process: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return
        except OSError:
            return
        time.sleep(0.01)
    os.kill(process, signal.SIGKILL)
    raise AssertionError(f"{process} is still there")


def test_what_a_hook_leaves_in_the_background_holds_nobody_up(tmp_path: Path) -> None:
    hook(tmp_path, "startup", f"sleep 300 & echo $! > {tmp_path}/child; echo done")
    try:
        assert reach(tmp_path, (Moment.STARTUP, "")).output == ["gh-ost-on-startup: done"]
    finally:
        os.kill(int((tmp_path / "child").read_text()), signal.SIGKILL)


@pytest.mark.parametrize(
    "script", ["exec <&-; echo closed", "head -c 1 > /dev/null; echo read a little", "echo ignored"]
)
def test_a_hook_need_not_read_what_it_is_told(tmp_path: Path, script: str) -> None:
    hook(tmp_path, "startup", script)
    assert len(reach(tmp_path, (Moment.STARTUP, "")).output) == 1


def test_output_of_any_size_and_kind(tmp_path: Path) -> None:
    hook(tmp_path, "startup", r"head -c 1000000 /dev/zero | tr '\0' x; echo; printf '\377\n\nend'")
    output = reach(tmp_path, (Moment.STARTUP, "")).output
    assert max(map(len, output)) < 5000
    assert output[-3:] == ["gh-ost-on-startup: \ufffd", "gh-ost-on-startup: ", "gh-ost-on-startup: end"]


def test_the_status_hook_comes_at_once_and_then_again(tmp_path: Path) -> None:
    told: list[tuple[Moment, str]] = []

    class Noting:
        async def reached(self, moment: Moment, detail: str = "") -> None:
            told.append((moment, detail))
            if len(told) == 2:
                raise KeyError("enough")

    with pytest.raises(KeyError, match="enough"):
        asyncio.run(regular_status(Noting(), lambda: PROGRESS, 1))
    assert told == [(Moment.STATUS, status_line(PROGRESS))] * 2
    asyncio.run(regular_status(Noting(), lambda: PROGRESS, 0))
    assert len(told) == 2


def test_each_failed_attempt_that_is_followed_by_another_is_told() -> None:
    told: list[str] = []

    async def failed(error: TransientError) -> None:
        told.append(error.message)

    async def work(results: list[object]) -> object:
        result = results.pop(0)
        if isinstance(result, Exception):
            raise result
        return result

    def errors(*texts: str) -> Sequence[TransientError]:
        return [TransientError(text) for text in texts]

    assert asyncio.run(retried_telling(failed, 3, work, [*errors("one", "two"), 7])) == 7
    assert told == ["one", "two"]
    with pytest.raises(TransientError, match="five"):
        asyncio.run(retried_telling(failed, 2, work, [*errors("four", "five"), 7]))
    assert told == ["one", "two", "four"]
