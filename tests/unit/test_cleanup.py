"""`ghostpy cleanup` before it connects."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest

from ghostpy.cli.main import main
from ghostpy.control.places import dead_places, remove_place

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
        (["--nonsense"], "There is no flag --nonsense"),
        (["--old-tables"], "--old-tables needs a value"),
        (["--url=mysql://h/d", "--execute=perhaps"], "must be true or false"),
    ],
)
def test_refused(arguments: list[str], told: str, capsys: Capture) -> None:
    assert main(["cleanup", *arguments]) == 2
    assert told in capsys.readouterr().err


def test_flags_of_a_change_in_the_environment_are_left_alone(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GHOSTPY_TABLE", "t")
    assert main(["cleanup", "--url=postgresql://h/d?color=red"]) == 2
    assert "means nothing" not in capsys.readouterr().err


def test_dead_sockets_are_found_and_removed_and_living_ones_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    dead, young, living = (tmp_path / f"{name}.sock" for name in ("dead", "young", "living"))
    with socket.socket(socket.AF_UNIX) as listener:
        for path in (dead, young):
            with socket.socket(socket.AF_UNIX) as gone:
                gone.bind(str(path))
        listener.bind(str(living))
        listener.listen()
        for path in (dead, living):
            os.utime(path, (1, 1))
        folder = tmp_path / f"ghostpy-{os.getuid()}"
        folder.mkdir()
        for path in (dead, young, living):
            (folder / f"{path.stem}.json").write_text(json.dumps({"socket": str(path), "table": "shop.t"}))
        ours = [(place.path, since) for place, since in dead_places() if place.path.parent == tmp_path]
        assert ours == [(dead, 1.0)]
        assert [remove_place(path) for path in (dead, young, living)] == [True, False, False]
        assert [path.exists() for path in (dead, young, living)] == [False, True, True]
