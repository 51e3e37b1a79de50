"""The report of a run without a server: bounded memory, the data, and a page that is whole and asks for nothing."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from ghostpy.cli.main import main
from ghostpy.errors import ServerError, UsageError
from ghostpy.model.plan import Plan
from ghostpy.model.progress import Phase, Progress, RunReport
from ghostpy.model.run_end import RunEnd
from ghostpy.observe.report_data import report_data, shown
from ghostpy.observe.report_files import report_paths, write_report
from ghostpy.observe.report_page import report_page
from ghostpy.observe.report_plots import nice
from ghostpy.observe.report_record import RunRecord
from ghostpy.observe.timeline import POINTS, SPANS, Timeline, paces
from ghostpy.protocols import Observer
from ghostpy.settings import ConnectSettings, HookSettings, MigrateSettings, TargetSettings

NASTY = "<script>alert(1)</script> & \"quotes\" 'single' \x00\x1b[31m \ud800 ünï"
SETTINGS = MigrateSettings(
    connect=ConnectSettings(host="db1", user="me", password="s3cr3t", dsn="postgresql://me:s3cr3t@db1/shop"),
    target=TargetSettings(
        database="shop", table="t", alter=f"ADD c INT COMMENT '{NASTY}'", transforms=(("c", "1 < 2"),)
    ),
    hooks=HookSettings(hint_token="t0ken"),
    execute=True,
)
REPORT = RunReport(
    "shop.t", "shadow", "shop._t_del", 100.0, 60.0, 5000, 5000, 50, 40, 2, True, 2, 0.02, definition="a\nc\nd"
)
STARTED = datetime(2026, 8, 7, 10, 15, tzinfo=UTC)
WELL = RunEnd(0, STARTED + timedelta(seconds=100))
FAILED = RunEnd(10, STARTED + timedelta(seconds=30), "ServerError", f"the disk is full {NASTY}")


def snapshot(second: float, **more: object) -> Progress:
    found = Progress(
        phase=Phase.COPY, elapsed=second, copy_elapsed=second, rows_estimate=5000, rows_copied=int(50 * second)
    )
    return replace(found, **more)  # type: ignore[arg-type]


def a_record(*, ended: bool = True) -> RunRecord:
    record = RunRecord(lambda text: text.replace("s3cr3t", "***"), STARTED)
    record.before = "a\nb\nd"
    for quarter in range(400):
        second = quarter / 4
        reason = f"max-load Threads_running={quarter} >= 25" if 20 <= second < 30 else None
        phase = Phase.COPY if second < 60 else Phase.VERIFY if second < 80 else Phase.CUT_OVER
        record.progressed(
            snapshot(
                second,
                phase=phase,
                throttle_reason=reason,
                backlog=quarter % 17,
                chunk_seconds=0.1,
                work_share=0.4,
                impact=0.15,
                rows_per_second=50.0,
                stream_lag=0.1 * (quarter % 3),
                lag=0.2,
            )
        )
    record.progressed(snapshot(100, phase=Phase.CUT_OVER, cut_over_attempts=1))
    record.happened(f"it is s3cr3t {NASTY}", warning=True)
    if ended:
        record.ended(REPORT)
    return record


def test_memory_is_bounded_and_nothing_that_matters_is_lost() -> None:
    timeline = Timeline()
    for second in range(50_000):
        reason = f"replica lag={second}s" if second % 7 == 0 else "http=503" if second % 11 == 0 else None
        peak = second == 12_345
        timeline.add(
            snapshot(second, backlog=99_999 if peak else 5, throttle_reason=reason, cut_over_attempts=second // 49_000)
        )
    assert len(timeline.points) <= POINTS
    assert len(timeline.points) > POINTS / 4
    assert len(timeline.rests) <= SPANS
    assert len(timeline.phases) == 1
    assert timeline.points[-1].at == 49_999
    assert timeline.points[-1].rows_copied == 50 * 49_999
    assert max(point.backlog for point in timeline.points) == 99_999
    moments = [point.at for point in timeline.points]
    assert moments == sorted(moments)
    widths = [later - earlier for earlier, later in pairwise(moments)]
    assert max(widths) <= 8 * 49_999 / POINTS
    assert sum(timeline.rested.values()) == sum(1 for second in range(1, 50_000) if second % 7 == 0 or second % 11 == 0)
    assert timeline.attempts == [49_000]


def test_the_pace_is_that_of_the_last_second() -> None:
    timeline = Timeline()
    rows = 0
    for quarter in range(80):
        rows += 100 if quarter < 40 else 0
        timeline.add(snapshot(quarter / 4, rows_copied=rows))
    found = paces(timeline.points)
    assert found[0] == 0
    assert found[8:40] == [400.0] * 32
    assert found[46:] == [0.0] * 34
    assert paces([]) == []


def test_phases_and_rests_are_stretches() -> None:
    timeline = a_record().timeline
    assert [(span.kind, span.begin, span.end) for span in timeline.phases] == [
        ("copying", 0, 59.75),
        ("verifying", 59.75, 79.75),
        ("cutting over", 79.75, 100),
    ]
    assert [(span.kind, span.begin, span.end) for span in timeline.rests] == [("load", 19.75, 29.75)]
    assert timeline.rested == {"load": 10.0}
    assert timeline.attempts == [100]


@given(st.lists(st.tuples(st.floats(0, 100), st.sampled_from([None, "lag=1s", "http=503"])), max_size=60))
def test_spans_never_overlap(steps: list[tuple[float, str | None]]) -> None:
    timeline = Timeline()
    at = 0.0
    for step, reason in steps:
        at += step
        timeline.add(snapshot(at, throttle_reason=reason))
    for spans in (timeline.rests, timeline.phases):
        assert all(span.begin <= span.end for span in spans)
        assert all(one.end <= other.begin for one, other in pairwise(spans))


def test_events_are_bounded_too() -> None:
    record = RunRecord()
    for number in range(1000):
        record.happened(f"event {number}")
    data = report_data(record, SETTINGS, "shop.t", WELL)
    assert len(data["events"]) == 500
    assert data["events_left_out"] == 500
    assert (data["events"][0]["text"], data["events"][-1]["text"]) == ("event 0", "event 999")


def test_the_data() -> None:
    data = report_data(a_record(), SETTINGS, "shop.t", WELL)
    assert json.loads(json.dumps(data)) == data
    assert data["outcome"] == {"result": "changed", "exit_code": 0, "error": "", "message": ""}
    assert data["seconds"] == 100
    assert data["figures"]["rows_verified"] == 5000
    assert data["schema"]["diff"] == [" a", "-b", "+c", " d"]
    assert "s3cr3t" not in json.dumps(data)
    assert "t0ken" not in json.dumps(data)
    assert data["settings"]["connect"]["user"] == "me"
    assert data["settings"]["connect"]["password"] == "***"
    assert len(data["timeline"]) > 300


@pytest.mark.parametrize(
    ("end", "settings", "result"),
    [
        (FAILED, SETTINGS, "failed"),
        (replace(FAILED, error="Interrupted", exit_code=130), SETTINGS, "interrupted"),
        (WELL, replace(SETTINGS, execute=False), "dry run"),
    ],
)
def test_the_data_of_a_run_that_changed_nothing(end: RunEnd, settings: MigrateSettings, result: str) -> None:
    data = report_data(a_record(ended=False), settings, "shop.t", end)
    assert data["outcome"]["result"] == result
    assert data["schema"] == {"before": "a\nb\nd", "after": "", "diff": []}
    assert data["figures"]["rows_copied"] == 5000


def test_settings_that_are_empty_hide_nothing() -> None:
    assert shown(MigrateSettings())["connect"]["password"] == ""


class Page(HTMLParser):
    """Reads a page: tags must nest, nothing may be fetched or run."""

    VOID = ("meta", "link", "br")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert tag not in ("script", "iframe", "img", "object", "embed", "form", "base")
        for name, value in attrs:
            assert not name.startswith("on"), name
            assert name not in ("src", "srcset", "action", "style", "xlink:href"), name
            assert name != "href" or value == "data:,"
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
        if self.open[-1:] == ["style"]:
            assert "url(" not in data
            assert "@import" not in data


RECORDS = {
    "well": (a_record(), WELL),
    "failed": (a_record(ended=False), FAILED),
    "never begun": (RunRecord(), FAILED),
}


@pytest.mark.parametrize("name", RECORDS)
def test_the_page_is_whole_and_asks_for_nothing(name: str) -> None:
    record, end = RECORDS[name]
    text = report_page(report_data(record, SETTINGS, "shop.t", end))
    page = Page(text)
    assert "http://" not in text
    assert "https://" not in text
    assert "default-src 'none'" in text
    assert "<script" not in text.lower()
    # What comes from outside is shown as it is, but for characters that no page may hold.
    assert "<script>alert(1)</script> & \"quotes\" 'single' \ufffd\ufffd[31m \ufffd ünï" in page.text
    pictures = re.findall(r"<svg.*?</svg>", text, re.DOTALL)
    assert len(pictures) == (0 if name == "never begun" else 8)
    for picture in pictures:
        root = ElementTree.fromstring(picture)
        assert root.get("aria-label")
        for shape in root.iter():
            for value in [shape.get(each, "0") for each in ("x", "y", "width", "height", "x1", "x2", "y1", "y2")]:
                assert -0.1 <= float(value) <= 1000.1
            for point in (shape.get("points") or "").split():
                x, y = map(float, point.split(","))
                assert -0.1 <= x <= 1000.1
                assert -0.1 <= y <= 100.1


def test_what_the_page_shows() -> None:
    page = Page(report_page(report_data(a_record(), SETTINGS, "shop.t", WELL)))
    for text in (
        "shop.t",
        "changed",
        "5,000",
        "1m40s",
        "2 differed and were repaired",
        "20 ms",
        "attempts to cut over: 2",
    ):
        assert text in page.text, text
    assert "max-load Threads_running=80 >= 25, 10.0 s" in page.text
    assert "connect.password***" in page.text
    failed = Page(report_page(report_data(a_record(ended=False), SETTINGS, "shop.t", FAILED)))
    assert "the disk is full" in failed.text
    assert "exit code 10" in failed.text


@pytest.mark.parametrize(("value", "bound"), [(0, 1), (1, 1), (1.1, 2), (2.1, 2.5), (3, 5), (7, 10), (0.03, 0.05)])
def test_the_top_of_an_axis(value: float, bound: float) -> None:
    assert nice(value) == pytest.approx(bound)


def test_where_reports_go(tmp_path: Path) -> None:
    assert report_paths([tmp_path / "a.html", tmp_path / "b.json"], "t", STARTED) == [
        tmp_path / "a.html",
        tmp_path / "b.json",
    ]
    stem = "shop.o_d_d-20260807-101500"
    assert report_paths([tmp_path], "shop.o/d d", STARTED) == [tmp_path / f"{stem}.html", tmp_path / f"{stem}.json"]
    with pytest.raises(UsageError):
        report_paths([tmp_path / "a.txt"], "t", STARTED)


def test_reports_replace_what_is_there(tmp_path: Path) -> None:
    data = report_data(a_record(), SETTINGS, "shop.t", WELL)
    for path in report_paths([tmp_path], "t", STARTED):
        path.write_text("an older one")
        write_report(path, data)
        assert path.stat().st_mode & 0o400
    assert len(list(tmp_path.iterdir())) == 2
    assert json.loads(next(tmp_path.glob("*.json")).read_text())["table"] == "shop.t"


@pytest.mark.parametrize("well", [True, False])
def test_a_report_is_written_however_the_run_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], well: bool
) -> None:
    async def migrate(settings: MigrateSettings, observer: Observer) -> RunReport:
        observer.progressed(snapshot(1))
        if not well:
            raise ServerError("the disk is full")
        observer.ended(REPORT)
        return REPORT

    monkeypatch.setattr("ghostpy.cli.migrate.migrate", migrate)
    code = main(["--database=shop", "--table=t", "--alter=ADD c INT", "--execute", f"--report={tmp_path}/r.json"])
    assert code == (0 if well else 10)
    data = json.loads((tmp_path / "r.json").read_text())
    assert data["outcome"]["exit_code"] == code
    assert data["outcome"]["result"] == ("changed" if well else "failed")
    assert data["outcome"]["message"] == ("" if well else "the disk is full. shop.t was not changed. See the server's message above; mend its cause, then run the same command again.")  # fmt: skip
    assert f"Report: {tmp_path}/r.json" in capsys.readouterr().out


def test_a_report_that_cannot_be_written_changes_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def migrate(settings: MigrateSettings, observer: Observer) -> Plan | RunReport:
        (tmp_path / "gone").rmdir()
        return REPORT

    monkeypatch.setattr("ghostpy.cli.migrate.migrate", migrate)
    (tmp_path / "gone").mkdir()
    flags = [f"--report={tmp_path}/gone/r.html", f"--report={tmp_path}/r.json"]
    assert main(["--database=shop", "--table=t", "--alter=ADD c INT", "--execute", *flags]) == 0
    assert "could not be finished" in capsys.readouterr().err
    assert (tmp_path / "r.json").exists()
