"""The log as text, as JSON and in a file."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ghostpy.cli.main import main
from ghostpy.cli.redaction import redact, remember_secret
from ghostpy.errors import ServerError
from ghostpy.model.moment import HookOutput
from ghostpy.model.progress import Phase, Progress, RunReport
from ghostpy.model.run_end import RunEnd
from ghostpy.observe.log import Level, Log
from ghostpy.observe.log_file import log_file
from ghostpy.observe.log_line import JsonLines
from ghostpy.observe.own_thread import OwnThread
from ghostpy.observe.redacting import Redacting
from ghostpy.protocols import Observer

ENDED = RunEnd(10, datetime(2026, 8, 7, tzinfo=UTC), "ServerError", "the disk is full", "Traceback …")
ARGUMENTS = ["--database=shop", "--table=t", "--alter=ADD c INT", "--execute"]
Capture = pytest.CaptureFixture[str]


def test_json_lines() -> None:
    lines: list[str] = []
    log = Log(Level.DEBUG, lines.append, JsonLines("shop.t", "db1:3306"), tells_end=True)
    log.happened('one\n"two"')
    log.progressed(Progress(phase=Phase.COPY, elapsed=1.23456))
    log.happened("careful", warning=True)
    log.closed(ENDED)
    told = [json.loads(line) for line in lines]
    assert all("\n" not in line for line in lines)
    assert [each["level"] for each in told] == ["info", "debug", "warning", "error"]
    assert told[0]["message"] == 'one\n"two"'
    assert (told[2]["phase"], told[2]["elapsed"], told[2]["table"]) == ("copying", 1.235, "shop.t")
    assert (told[3]["error"], told[3]["exit_code"], told[3]["trace"]) == ("ServerError", 10, "Traceback …")
    assert datetime.fromisoformat(told[0]["time"]).tzinfo is not None


def test_what_hooks_write_is_shown_unless_it_is_quiet() -> None:
    for level, shown in ((Level.QUIET, 0), (Level.NORMAL, 1), (Level.VERBOSE, 2)):
        lines: list[str] = []
        log = Log(level, lines.append)
        log.happened(HookOutput("hello"))
        log.happened("event")
        assert len(lines) == shown


def test_the_end_is_told_once(capsys: Capture) -> None:
    lines: list[str] = []
    Log(Level.QUIET, lines.append).closed(ENDED)
    Log(Level.QUIET, lines.append, tells_end=True).closed(RunEnd(0, ENDED.finished))
    assert lines == []
    Log(Level.QUIET, lines.append, tells_end=True).closed(ENDED)
    assert lines[0].endswith("ERROR the disk is full")


def test_a_log_file_that_is_renamed_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("before\n")
    with log_file(path) as write:
        write("one")
        path.rename(tmp_path / "log.1")
        write("two \ud800")
    assert (tmp_path / "log.1").read_text() == "before\none\n"
    assert path.read_text() == "two \\ud800\n"


def test_secrets_are_taken_out_of_what_observers_hear() -> None:
    remember_secret("s3cr3t-of-the-log")
    lines: list[str] = []
    observer = Redacting(Log(Level.NORMAL, lines.append, JsonLines("t", "s")), redact)
    observer.happened(HookOutput("it is s3cr3t-of-the-log"))
    assert json.loads(lines[0])["message"] == "it is ***"


def fail(monkeypatch: pytest.MonkeyPatch) -> None:
    async def migrate(settings: object, observer: Observer) -> RunReport:
        observer.happened("look out", warning=True)
        raise ServerError("the disk is full")

    monkeypatch.setattr("ghostpy.cli.migrate.migrate", migrate)


def test_with_json_every_line_on_stderr_is_json(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    fail(monkeypatch)
    assert main([*ARGUMENTS, "--log-format=json", "--debug"]) == 10
    told = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [each["level"] for each in told] == ["warning", "error"]
    assert told[1]["message"].startswith("the disk is full. shop.t was not changed.")
    assert (told[1]["error"], told[1]["exit_code"]) == ("ServerError", 10)
    assert "raise ServerError" in told[1]["trace"]


def test_a_log_file_holds_all_events_and_the_end(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fail(monkeypatch)
    assert main([*ARGUMENTS, f"--log-file={tmp_path}/log", "--quiet"]) == 10
    assert capsys.readouterr().err.startswith("ghostpy: the disk is full.")
    told = [line[20:] for line in (tmp_path / "log").read_text().splitlines()]
    assert told[0] == "WARNING look out"
    assert told[1].startswith("ERROR the disk is full. shop.t was not changed.")


def test_a_full_disk_ends_the_log_file_and_not_the_run() -> None:
    lines: list[str] = []
    with log_file(Path("/dev/full")) as write, pytest.raises(OSError, match="No space left"):
        write("one")
    with OwnThread(Log(Level.VERBOSE, lines.append)) as observer:
        observer.happened("on")
    assert len(lines) == 1
