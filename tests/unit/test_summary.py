"""The one line that says how a run went."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from ghostpy import errors
from ghostpy.cli.main import main
from ghostpy.cli.summary import NOTHING, Summary
from ghostpy.model.progress import Phase, Progress, RunReport
from ghostpy.protocols import Observer
from ghostpy.settings import MigrateSettings

Capture = pytest.CaptureFixture[str]
ARGUMENTS = ["--database=shop", "--table=orders", "--alter=ADD note TEXT", "--execute"]
REPORT = RunReport("shop.orders", "shadow", None, 723.4, 600, 1_234_567, 1_234_567, 3, 2, 0, True, 1, 0.0312)
HALF = Progress(phase=Phase.COPY, rows_estimate=1000, rows_copied=459)


@pytest.mark.parametrize(
    ("report", "line"),
    [
        (REPORT, "done in 12m3s, 1,234,567 rows, 0 differences, writers held 31 ms"),
        (replace(REPORT, verified=False), "done in 12m3s, 1,234,567 rows, not compared, writers held 31 ms"),
        (replace(REPORT, strategy="instant", elapsed=0.02), "done in 20 ms, in place (instant)"),
        (replace(REPORT, strategy="nothing to do"), NOTHING),
    ],
)
def test_of_a_run_that_came_through(report: RunReport, line: str) -> None:
    summary = Summary("shop.orders")
    summary.progressed(HALF)
    summary.ended(report)
    assert summary.line() == f"ghostpy: shop.orders: {line}"


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (errors.Stopped("the deadline 06:00 has come"), "stopped at 45 % (deadline), exit 14"),
        (errors.Stopped("an operator said stop"), "stopped at 45 % (on demand), exit 14"),
        (errors.VerifyFailed("x"), "failed at 45 % (verification failed), exit 8"),
        (errors.CutOverInDoubt("x"), "IN DOUBT at 45 % (a person must look), exit 20"),
        (errors.Interrupted("x", signal_number=15), "ended at 45 % (signal), exit 143"),
        (
            ExceptionGroup("tasks", [ValueError("x"), errors.StreamLost("y")]),
            "failed at 45 % (change stream lost), exit 11",
        ),
        (ValueError("x"), "failed at 45 % (defect), exit 1"),
    ],
)
def test_of_a_run_that_did_not(error: BaseException, line: str) -> None:
    summary = Summary("shop.orders")
    summary.progressed(HALF)
    assert summary.line(error) == f"ghostpy: shop.orders: {line}"


def test_before_anything_was_done() -> None:
    line = Summary("shop.orders").line(errors.AlreadyRunning("x"))
    assert line == "ghostpy: shop.orders: not started (another run is under way), exit 75"


OURS = [each for each in errors.GhostpyError.__subclasses__() if each.__module__ == errors.__name__]


@pytest.mark.parametrize("error", OURS)
def test_each_kind_of_error_has_its_words(error: type[errors.GhostpyError]) -> None:
    told = Summary("t").line(error("x", signal_number=2) if error is errors.Interrupted else error("x"))
    assert "defect" not in told


def _with_run(monkeypatch: pytest.MonkeyPatch, error: Exception | None = None) -> None:
    async def migrate(settings: MigrateSettings, observer: Observer) -> RunReport:
        observer.progressed(HALF)
        if error:
            raise error
        observer.ended(REPORT)
        return REPORT

    monkeypatch.setattr("ghostpy.cli.migrate.migrate", migrate)


def test_quiet_is_that_line_alone(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    _with_run(monkeypatch)
    assert main([*ARGUMENTS, "--quiet", "--gtid"]) == 0
    shown = capsys.readouterr()
    assert shown.out == "ghostpy: shop.orders: done in 12m3s, 1,234,567 rows, 0 differences, writers held 31 ms\n"
    assert shown.err == ""


def test_quiet_failure(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    _with_run(monkeypatch, errors.VerifyFailed("3 rows differ"))
    assert main([*ARGUMENTS, "--quiet"]) == 8
    shown = capsys.readouterr()
    assert shown.out == "ghostpy: shop.orders: failed at 45 % (verification failed), exit 8\n"
    assert shown.err.startswith("ghostpy: 3 rows differ.")


def test_the_line_below_all_others(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    _with_run(monkeypatch)
    assert main([*ARGUMENTS, "--summary"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("# Migrating")
    assert lines[-1].startswith("ghostpy: shop.orders: done in 12m3s")
    assert main(ARGUMENTS) == 0
    assert "ghostpy: shop.orders" not in capsys.readouterr().out
