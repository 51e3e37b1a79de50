"""The program around the commands: dispatch, errors, exit codes, secrets."""

from __future__ import annotations

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from ghostpy import errors
from ghostpy.cli import main as main_module
from ghostpy.cli import redaction
from ghostpy.cli.failure import exit_code, failure_text
from ghostpy.cli.main import main
from ghostpy.cli.process_list import mask

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _as_if_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "_secrets", set())
    for name in list(os.environ):
        if name.startswith("GHOSTPY_"):
            monkeypatch.delenv(name)


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[str]]]:
    """Commands that only note that they were called."""
    called: list[tuple[str, list[str]]] = []

    def import_module(name: str) -> SimpleNamespace:
        return SimpleNamespace(run=lambda argv: called.append((name.rpartition(".")[2], list(argv))))

    monkeypatch.setattr(main_module, "importlib", SimpleNamespace(import_module=import_module))
    return called


@pytest.mark.parametrize(
    ("argv", "command", "rest"),
    [
        (["migrate", "--table=t"], "migrate", ["--table=t"]),
        (["--table=t", "--execute"], "migrate", ["--table=t", "--execute"]),
        (["-table", "t"], "migrate", ["-table", "t"]),
        (["demo", "--rows=5"], "demo", ["--rows=5"]),
        (["sandbox", "mysql"], "sandbox", ["mysql"]),
        (["help", "migrate"], "migrate", ["--help"]),
        (["--verbose", "--version"], "migrate", ["--verbose", "--version"]),
    ],
)
def test_dispatch(commands: list[tuple[str, list[str]]], argv: list[str], command: str, rest: list[str]) -> None:
    assert main(argv) == 0
    assert commands == [(command, rest)]


@pytest.mark.parametrize("argv", [["--version"], ["-version"], ["migrate", "--version"], ["--debug", "--version"]])
def test_version(capsys: Capture, argv: list[str]) -> None:
    assert main(argv) == 0
    assert " (git commit: " in capsys.readouterr().out


@pytest.mark.parametrize("argv", [["--help"], ["-h"], ["help"], ["-help"]])
def test_overview(capsys: Capture, argv: list[str]) -> None:
    assert main(argv) == 0
    assert "ghostpy migrate --help" in capsys.readouterr().out


@pytest.mark.parametrize("argv", [["migrate", "--help"], ["--verbose", "-help"], ["help", "migrate"]])
def test_help_of_migrate(capsys: Capture, argv: list[str]) -> None:
    assert main(argv) == 0
    shown = capsys.readouterr().out
    assert "--postpone-cut-over-flag-file" in shown
    assert max(map(len, shown.splitlines())) <= 110


def test_nothing_asked_for(capsys: Capture) -> None:
    assert main([]) == 2
    assert "Usage:" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "code", "told"),
    [
        (["migrte"], 2, "Did you mean migrate?"),
        (["nonsense"], 2, "There is no command 'nonsense'."),
        (["--tabel=t"], 2, "Did you mean --table?"),
        (
            ["migrate"],
            2,
            "--alter (what to change) or --desired (what to become), --database and --table must be given",
        ),
        (["--alter=ALTER TABLE d.t DROP"], 4, "Nothing was changed"),
        (["--include-triggers"], 2, "--include-triggers is not available in this version"),
        (["--check-flag", "--include-triggers"], 2, "--include-triggers is not available in this version"),
        (["--alter=ALTER TABLE d.t DROP c", "--max-load=a"], 2, "--max-load: the load list 'a' cannot be read"),
        (["--alter=ALTER TABLE d.t DROP c", "--window=25:00-26:00"], 2, "--window: the time window"),
        (["--alter=ALTER TABLE d.t DROP c", "--deadline=soon"], 2, "--deadline: "),
        (["--alter=ALTER TABLE d.t DROP c", "--deadline=window"], 2, "needs a time window"),
        (["--alter=ALTER TABLE d.t DROP c", "--throttle-http=ftp://x"], 2, "--throttle-http: "),
        (["--alter=ALTER TABLE d.t DROP c", "--throttle-signal=SELECT 1"], 2, "--throttle-signal must be name=SQL"),
        (["--check-flag", "--no-such-flag"], 2, "There is no flag --no-such-flag"),
    ],
)
def test_errors(capsys: Capture, monkeypatch: pytest.MonkeyPatch, argv: list[str], code: int, told: str) -> None:
    def refuse(*_: object) -> None:
        raise errors.ConnectionFailed("cannot connect to h:3306")

    monkeypatch.setattr("ghostpy.cli.migrate.run_to_end", refuse)
    assert main(argv) == code
    shown = capsys.readouterr()
    assert told in shown.err
    assert shown.err.count("\n") == 1
    assert "Traceback" not in shown.err
    assert shown.out == ""


def test_check_flag(capsys: Capture) -> None:
    assert main(["--check-flag", "--gtid", "--chunk-size=5", "--postpone-cut-over-flag-file=x"]) == 0
    assert capsys.readouterr().out == ""


def test_a_command_that_is_not_there_yet(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    def import_module(name: str) -> None:
        raise ModuleNotFoundError(name=name)

    monkeypatch.setattr(main_module, "importlib", SimpleNamespace(import_module=import_module))
    assert main(["demo"]) == 2
    assert "not available" in capsys.readouterr().err


def test_a_trace_only_when_asked_for(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    for argv in (["--debug", "--no-such"], ["-stack", "--no-such"], ["--debug=true", "--no-such"]):
        assert main(argv) == 2
        assert "Traceback" in capsys.readouterr().err
    monkeypatch.setenv("GHOSTPY_DEBUG", "true")
    assert main(["--no-such"]) == 2
    assert "Traceback" in capsys.readouterr().err


ALL_ERRORS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, errors.GhostpyError) and kind is not errors.Interrupted
]


@pytest.mark.parametrize("kind", ALL_ERRORS)
def test_every_error_is_one_paragraph(kind: type[errors.GhostpyError]) -> None:
    error = kind("it went wrong on db.t")
    text = failure_text(error, trace=False)
    assert text.startswith("ghostpy: it went wrong on db.t. ")
    assert "\n" not in text
    assert error.hint in text
    assert exit_code(error) == kind.exit_code


def test_an_interrupted_run() -> None:
    error = errors.Interrupted("SIGTERM ended the run", signal_number=15)
    assert exit_code(error) == 143
    assert exit_code(KeyboardInterrupt()) == 130


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (errors.PlanRefused("no key"), True),
        (errors.UsageError("no flag"), True),
        (errors.ConnectionFailed("no server", hint="Look."), True),
        (errors.AlreadyRunning("another run"), True),
        (errors.ServerGone("lost", hint="Look."), False),
        (errors.CutOverInDoubt("who knows"), False),
    ],
)
def test_it_says_whether_anything_was_changed(error: errors.GhostpyError, told: bool) -> None:
    assert ("nothing was" in failure_text(error, trace=False).lower()) is told


def test_notes_are_part_of_the_message() -> None:
    error = errors.ServerError("disk full", hint="Free some space.")
    error.add_note("db.t was not changed")
    assert failure_text(error, trace=False) == "ghostpy: disk full. db.t was not changed. Free some space."


def test_behind_a_list_the_rest_has_a_line_of_its_own() -> None:
    error = errors.PlanRefused("db.t cannot be changed:\n  - one.\n  - two.")
    assert failure_text(error, trace=False).splitlines()[-1] == "Nothing was created or changed."


def test_of_several_errors_the_one_for_users_is_told() -> None:
    group = BaseExceptionGroup("g", [ValueError("x"), ExceptionGroup("h", [errors.VerifyFailed("they differ")])])
    assert "they differ" in failure_text(group, trace=False)
    assert exit_code(group) == 8


def test_a_defect() -> None:
    text = failure_text(ZeroDivisionError("division\nby zero"), trace=False)
    assert text.startswith("ghostpy: ZeroDivisionError: division by zero. This is a defect in ghostpy")
    assert "\n" not in text
    assert exit_code(ZeroDivisionError()) == 1


def test_secrets_are_taken_out() -> None:
    redaction.remember_secret("hunter2")
    redaction.remember_secret("abc")
    try:
        raise errors.ServerError("access with hunter2, abc")
    except errors.ServerError as error:
        text = failure_text(error, trace=True)
    assert "hunter2" not in text
    assert "***, abc" in text


@pytest.mark.parametrize(
    ("arguments", "masked"),
    [
        (["--password=abc"], ["--password=xxx"]),
        (["-password=abc"], ["-password=xxx"]),
        (["--password", "äb", "--user", "u"], ["--password", "xxx", "--user", "u"]),
        (["--master-password", "--x"], ["--master-password", "xxx"]),
        (["--password="], ["--password="]),
        (["--password"], ["--password"]),
        (["--url=mysql://u:p%40w@h/d"], ["--url=mysql://u:xxxxx@h/d"]),
        (["--url", "mysql://u:p@q@h"], ["--url", "mysql://u:xxx@h"]),
        (["--url=mysql://u@h:3306/d"], ["--url=mysql://u@h:3306/d"]),
        (["--url=postgresql://h/d?password=abc&user=u"], ["--url=postgresql://h/d?password=xxx&user=u"]),
        (["--url", "postgresql://u:p@h/d?sslpassword=abc"], ["--url", "postgresql://u:x@h/d?sslpassword=xxx"]),
        (["--url=postgresql:///d?passfile=f"], ["--url=postgresql:///d?passfile=f"]),
        (["--where=a = 'b@c:d'"], ["--where=a = 'b@c:d'"]),
    ],
)
def test_masks_have_the_same_length(arguments: list[str], masked: list[str]) -> None:
    assert mask(arguments) == masked


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the arguments of a process are hidden on Linux only")
def test_secrets_leave_the_list_of_processes() -> None:
    program = (
        "import sys; from ghostpy.cli.process_list import hide_secrets; hide_secrets(sys.argv[1:]);"
        "print(open('/proc/self/cmdline').read().replace(chr(0), ' '), sys.argv[2])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "--password", "hünter2", "--table=t"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "--password xxxxxxxx --table=t " in done.stdout
    assert done.stdout.strip().endswith("hünter2")
