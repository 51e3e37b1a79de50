"""gh-ost's status line and its schedule."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from ghostpy.model.names import TableName
from ghostpy.model.progress import Phase, Progress, RunReport
from ghostpy.model.standing import Standing
from ghostpy.observe.figures import duration, go_duration, size, whole
from ghostpy.observe.status_line import (
    UNKNOWN,
    RunFacts,
    eta_seconds,
    eta_text,
    hint_due,
    hint_lines,
    status_due,
    status_line,
)
from ghostpy.observe.status_lines import StatusLines

COPYING = Progress(
    phase=Phase.COPY,
    elapsed=32.9,
    copy_elapsed=3.2,
    rows_estimate=752865,
    rows_copied=14100,
    changes_applied=12,
    backlog=3,
    backlog_limit=1000,
    eta=157.4,
    stream_position="mysql-bin.007068:864722759",
    stream_lag=0.018,
    lag=0.011,
    chunk_rows=1000,
)
FACTS = RunFacts(
    source=TableName("test", "gh_ost_test"),
    shadow=TableName("test", "_gh_ost_test_gho"),
    address="db-primary:3306",
    executing_host="ops-host",
    started=datetime(2026, 8, 7, 10, 15, tzinfo=UTC),
    keys_per_resync=1000,
    nice_ratio=0.0,
)
REPORT = RunReport(
    "test.t",
    "shadow",
    "test._t_del",
    10,
    5,
    752901,
    752901,
    9,
    8,
    0,
    True,
    1,
    0.02,
    drop_old="DROP TABLE `test`.`_t_del`",
)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.99, "0s"),
        (-1, "0s"),
        (1, "1s"),
        (32.9, "32s"),
        (60, "1m0s"),
        (157, "2m37s"),
        (3600, "1h0m0s"),
        (7590, "2h6m30s"),
        (90061, "25h1m1s"),
    ],
)
def test_go_duration(seconds: float, text: str) -> None:
    assert go_duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.0214, "21 ms"), (0, "0 ms"), (3.44, "3.4 s"), (59.9, "59.9 s"), (60, "1m0s")]
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_numbers() -> None:
    assert whole(1234567) == "1,234,567"
    assert [size(n) for n in (0, 999, 1500, 3_400_000, 10**13)] == [
        "0 bytes",
        "999 bytes",
        "1.5 kB",
        "3.4 MB",
        "10.0 TB",
    ]


STATUS_LINES = [
    (
        COPYING,
        "Copy: 14100/752865 1.9%; Applied: 12; Backlog: 3/1000; Time: 32s(total), 3s(copy); "
        "streamer: mysql-bin.007068:864722759; Lag: 0.01s, HeartbeatLag: 0.02s, State: migrating; ETA: 2m37s",
    ),
    (
        replace(
            COPYING,
            rows_copied=466600,
            changes_applied=910,
            backlog=1000,
            elapsed=160,
            copy_elapsed=131,
            throttle_reason="max-load Threads_running=26 >= 25",
            eta=79,
        ),
        "Copy: 466600/752865 62.0%; Applied: 910; Backlog: 1000/1000; Time: 2m40s(total), 2m11s(copy); "
        "streamer: mysql-bin.007068:864722759; Lag: 0.01s, HeartbeatLag: 0.02s, "
        "State: throttled, max-load Threads_running=26 >= 25; ETA: 1m19s",
    ),
    (
        replace(
            COPYING,
            phase=Phase.POSTPONED,
            rows_copied=752901,
            copy_complete=True,
            elapsed=242,
            copy_elapsed=210,
            throttle_reason="max-load Threads_running=26 >= 25",
            eta=None,
        ),
        "Copy: 752901/752901 100.0%; Applied: 12; Backlog: 3/1000; Time: 4m2s(total), 3m30s(copy); "
        "streamer: mysql-bin.007068:864722759; Lag: 0.01s, HeartbeatLag: 0.02s, State: postponing cut-over; ETA: due",
    ),
    (
        Progress(phase=Phase.COPY),
        "Copy: 0/0 100.0%; Applied: 0; Backlog: 0/0; Time: 0s(total), 0s(copy); "
        "streamer: ; Lag: 0.00s, HeartbeatLag: 0.00s, State: migrating; ETA: due",
    ),
]


@pytest.mark.parametrize(("progress", "line"), STATUS_LINES)
def test_status_line(progress: Progress, line: str) -> None:
    assert status_line(progress) == line


@pytest.mark.parametrize(
    ("change", "seconds", "text"),
    [
        ({}, 157, "2m37s"),
        ({"eta": None}, UNKNOWN, "N/A"),
        ({"rows_copied": 752}, UNKNOWN, "N/A"),
        ({"rows_copied": 753}, 157, "2m37s"),
        ({"eta": 0.4}, 0, "due"),
        ({"rows_copied": 752865}, 0, "due"),
        ({"copy_complete": True, "eta": None}, 0, "due"),
        ({"phase": Phase.POSTPONED}, 0, "due"),
    ],
)
def test_eta(change: dict[str, object], seconds: int, text: str) -> None:
    progress = replace(COPYING, **change)  # type: ignore[arg-type]
    assert (eta_seconds(progress), eta_text(progress)) == (seconds, text)


@pytest.mark.parametrize(
    ("elapsed", "eta", "since", "due"),
    [
        (0, 1000, None, True),
        (59, 1000, None, True),
        (60, 1000, None, True),
        (61, 1000, None, False),
        (65, 1000, None, True),
        (179, 1000, None, False),
        (180, 1000, None, True),
        (185, 1000, None, False),
        (210, 1000, None, True),
        (211, 1000, None, False),
        (1001, 60, None, True),
        (1001, 61, None, False),
        (1005, 61, None, True),
        (1005, 180, None, True),
        (1005, 181, None, False),
        (1020, 181, None, True),
        (1001, UNKNOWN, None, True),
        (1001, 0, None, True),
        (1005, 1000, 0.0, True),
        (1005, 1000, 60.0, True),
        (1005, 1000, 60.1, False),
        (1006, 1000, 1.0, False),
    ],
)
def test_schedule(elapsed: int, eta: int, since: float | None, due: bool) -> None:
    assert status_due(elapsed, eta, since) is due


def test_hints_come_every_ten_minutes() -> None:
    assert [second for second in range(2000) if hint_due(second)] == [0, 600, 1200, 1800]


def test_hint_lines() -> None:
    assert hint_lines(COPYING, FACTS, postpone_file_exists=False) == (
        "# Migrating `test`.`gh_ost_test`; Ghost table is `test`.`_gh_ost_test_gho`",
        "# Migrating db-primary:3306; inspecting db-primary:3306; executing on ops-host",
        "# Migration started at Fri Aug 07 10:15:00 +0000 2026",
        "# chunk-size: 1000; max-lag-millis: 1500ms; dml-batch-size: 1000; max-load: ; critical-load: ; "
        "nice-ratio: 0.000000",
    )
    facts = replace(FACTS, postpone_flag_file="/tmp/p")
    assert hint_lines(COPYING, facts, postpone_file_exists=True)[-1] == "# postpone-cut-over-flag-file: /tmp/p [set]"
    assert hint_lines(COPYING, facts, postpone_file_exists=False)[-1] == "# postpone-cut-over-flag-file: /tmp/p "


def test_hint_lines_of_what_throttles() -> None:
    standing = Standing(
        max_lag_millis=500,
        max_load="Threads_connected=500,Threads_running=25",
        critical_load="Threads_running=1000",
        control_replicas="a,b:3307",
        query="select hour(now()) between 8 and 17",
        flag_file="/tmp/t",
        flag_file_there=True,
        additional_flag_file="/tmp/gh-ost.throttle",
        panic_flag_file="/tmp/panic",
        window="22:00-06:00",
        deadline="window",
    )
    facts = replace(FACTS, postpone_flag_file="/tmp/p")
    lines = hint_lines(replace(COPYING, throttle=standing), facts, postpone_file_exists=False)
    assert lines[3:] == (
        "# chunk-size: 1000; max-lag-millis: 500ms; dml-batch-size: 1000; "
        "max-load: Threads_connected=500,Threads_running=25; critical-load: Threads_running=1000; nice-ratio: 0.000000",
        "# throttle-flag-file: /tmp/t [set]",
        "# throttle-additional-flag-file: /tmp/gh-ost.throttle ",
        "# throttle-query: select hour(now()) between 8 and 17",
        "# throttle-control-replicas count: 2",
        "# window: 22:00-06:00",
        "# deadline: window",
        "# postpone-cut-over-flag-file: /tmp/p ",
        "# panic-flag-file: /tmp/panic",
    )


def _printed(*snapshots: Progress) -> list[str]:
    lines: list[str] = []
    watcher = StatusLines(FACTS, lines.append)
    for snapshot in snapshots:
        watcher.progressed(snapshot)
    return lines


def test_a_run_begins_with_the_hints_and_is_silent_before() -> None:
    lines = _printed(Progress(), Progress(elapsed=5), COPYING)
    assert len(lines) == 5
    assert lines[0].startswith("# Migrating")
    assert lines[4] == status_line(COPYING)


def test_one_line_a_second_in_the_first_minute() -> None:
    lines = _printed(*(replace(COPYING, elapsed=tenth / 10, eta=1000) for tenth in range(600)))
    assert len([line for line in lines if line.startswith("Copy:")]) == 60


def test_what_was_due_between_two_snapshots_is_not_lost() -> None:
    late = [replace(COPYING, elapsed=elapsed, eta=1000) for elapsed in (599.0, 599.9, 604.0, 631.0)]
    lines = _printed(*late)
    assert len([line for line in lines if line.startswith("Copy:")]) == 3
    assert len([line for line in lines if line.startswith("# Migration started")]) == 2


def test_the_end_of_the_copy_is_always_printed() -> None:
    slow = replace(COPYING, eta=1000)
    done = replace(slow, elapsed=1001.5, copy_complete=True, phase=Phase.VERIFY)
    lines = _printed(replace(slow, elapsed=1001.0), replace(slow, elapsed=1001.2), done)
    assert [line for line in lines if line.startswith("Copy:")][-1] == status_line(done)


def test_after_a_warning_lines_come_more_often() -> None:
    lines: list[str] = []
    watcher = StatusLines(FACTS, lines.append)
    watcher.progressed(replace(COPYING, elapsed=1001, eta=1000))
    watcher.happened("lost the connection", warning=True)
    for second in range(1002, 1012):
        watcher.progressed(replace(COPYING, elapsed=second, eta=1000))
    assert [line for line in lines if "16m45s(total)" in line]
    assert [line for line in lines if "16m50s(total)" in line]


def test_the_report_ends_it(tmp_path: Path) -> None:
    lines: list[str] = []
    watcher = StatusLines(replace(FACTS, postpone_flag_file=str(tmp_path)), lines.append)
    watcher.progressed(COPYING)
    watcher.progressed(replace(COPYING, phase=Phase.DONE, elapsed=34))
    watcher.ended(REPORT)
    assert f"# postpone-cut-over-flag-file: {tmp_path} [set]" in lines
    assert "test.t is changed." in lines
    assert any("DROP TABLE `test`.`_t_del`;" in line for line in lines)
