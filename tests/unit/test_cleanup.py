"""`ghostpy cleanup` before it connects."""

from __future__ import annotations

import pytest

from ghostpy.cli.main import main

Capture = pytest.CaptureFixture[str]


def test_help_names_the_flags_of_the_connection(capsys: Capture) -> None:
    assert main(["cleanup", "--help"]) == 0
    told = capsys.readouterr().out
    assert "--url" in told
    assert "--password-file" in told
    assert "--chunk-size" not in told


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--url=postgresql://h/d", "--alter=ADD x int"], "--alter means nothing to cleanup"),
        (["--url=postgresql://h/d", "--table=t", "--where=x"], "--table, --where mean nothing to cleanup"),
        (["--url=postgresql://h/d?color=red"], "--url cannot be read by libpq"),
        (["--url=mysql://h/d"], "postgresql:// servers only"),
        (["--host=h"], "postgresql:// servers only"),
        (["--nonsense"], "There is no flag --nonsense"),
    ],
)
def test_refused(arguments: list[str], told: str, capsys: Capture) -> None:
    assert main(["cleanup", *arguments]) == 2
    assert told in capsys.readouterr().err


def test_flags_of_a_change_in_the_environment_are_left_alone(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GHOSTPY_TABLE", "t")
    assert main(["cleanup", "--url=mysql://h/d"]) == 2
    assert "means nothing" not in capsys.readouterr().err
