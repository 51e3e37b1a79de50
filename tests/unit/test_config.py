"""Defaults, file, environment and flags over each other; what a file says wrong is told with its place."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ghostpy.cli.connection import Connection
from ghostpy.cli.flag_table import FLAGS
from ghostpy.cli.flags import FlagValues, Origin, check_flags, read_flags
from ghostpy.cli.main import main
from ghostpy.errors import UsageError
from ghostpy.settings import ConnectSettings

Capture = pytest.CaptureFixture[str]
SECRET = "Kestrel-4711"


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Write a file into the working directory, which is empty before."""
    home = tmp_path / "home"
    home.mkdir()
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)

    def written(text: str, name: str = "ghostpy.toml") -> Path:
        path = here / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o600)
        return path

    return written


def read(*arguments: str, places: tuple[Path, ...] = (), **environment: str) -> FlagValues:
    return read_flags(arguments, environment, places)


def connected(values: FlagValues, **environment: str) -> ConnectSettings:
    return Connection(values, environment, lambda prompt: "").settings()


def test_each_layer_counts_more_than_the_one_below(write: Callable[..., Path]) -> None:
    path = write('workers = 3\nchunk-time = 1\ntable = "file"\nmax-backlog = 5000\nexecute = true\n')
    values = read(
        "--table=flag", places=(path,), GHOSTPY_MAX_BACKLOG="6000", GHOSTPY_TABLE="environment", GHOSTPY_WORKERS=""
    )
    assert (values.whole("workers"), values.origin("workers")) == (3, Origin.FILE)
    assert (values.fraction("chunk-time"), values.switch("execute")) == (1.0, True)
    assert (values.whole("max-backlog"), values.origin("max-backlog")) == (6000, Origin.ENVIRONMENT)
    assert (values.text("table"), values.origin("table")) == ("flag", Origin.COMMAND_LINE)
    assert (values.fraction("nice-ratio"), values.origin("nice-ratio")) == (0.0, Origin.DEFAULT)
    assert values.place("workers") == f"{path}, line 1"
    assert values.place("max-backlog") == "GHOSTPY_MAX_BACKLOG"


def test_a_profile_counts_more_than_the_rest_of_the_file(write: Callable[..., Path]) -> None:
    path = write('workers = 3\ntransform = ["a=1", "b=2"]\n[profile.night]\nworkers = 8\ntransform = "c=3"\n')
    assert read(places=(path,)).whole("workers") == 3
    assert read(places=(path,)).several("transform") == ("a=1", "b=2")
    for values in (read("--profile=night", places=(path,)), read(places=(path,), GHOSTPY_PROFILE="night")):
        assert (values.whole("workers"), values.place("workers")) == (8, f"{path}, line 4")
        assert values.several("transform") == ("c=3",)
    assert read("--profile=night", "--transform=d=4", "--transform=e=5", places=(path,)).several("transform") == (
        "d=4",
        "e=5",
    )


def test_the_named_file_is_the_only_one(write: Callable[..., Path]) -> None:
    here, there = write("workers = 3\n"), write("workers = 4\n", "other/mine.toml")
    assert read(f"--config={there}", places=(here,)).whole("workers") == 4
    assert read(places=(here,), GHOSTPY_CONFIG=str(there)).whole("workers") == 4
    assert read("--config=", places=(here,)).whole("workers") == 2
    assert read(places=(there.with_name("none.toml"), here)).file == str(here)
    with pytest.raises(UsageError, match=r"nowhere\.toml cannot be read"):
        read("--config=nowhere.toml", places=(here,))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("\nworkerz = 3\n", "line 2: there is no flag 'workerz'. Did you mean workers?"),
        ("chunk_size = 500\n", "line 1: there is no flag 'chunk_size'. Did you mean chunk-size?"),
        ("[copy]\nworkers = 3\n", "there is no flag 'copy'"),
        ("# all\n\nworkers = '3'\n", "line 3: workers must be a whole number, not '3'"),
        ("workers = true\n", "line 1: workers must be a whole number, not true"),
        ("workers = 2.5\n", "workers must be a whole number, not 2.5"),
        ("nice-ratio = 'much'\n", "nice-ratio must be a number"),
        ("execute = 'yes'\n", "execute must be true or false, not 'yes'"),
        ("table = 5\n", "table must be text in quotes, not 5"),
        ("verify = true\n", "verify must be text in quotes, not true"),
        ("transform = ['a=1', 2]\n", "transform must be text in quotes, or a list"),
        ("table = \n", "is not TOML: Invalid value (at line 1, column 9)"),
        ("help = true\n", "line 1: help cannot stand in a file"),
        ("config = 'x'\n", "config cannot stand in a file"),
        ("[profile.a]\nworkers = 1\n[profile.b]\n\nworker = 1\n", "line 5: there is no flag 'worker'"),
        ("profile = 'a'\n", "profiles are tables"),
        (f"password = ['{SECRET}']\n", "line 1: password must be text in quotes."),
    ],
)
def test_mistakes_are_told_with_their_place(write: Callable[..., Path], text: str, told: str) -> None:
    path = write(text)
    with pytest.raises(UsageError) as raised:
        read(places=(path,))
    assert told in raised.value.message
    assert str(path) in raised.value.message
    assert SECRET not in raised.value.message


def test_profiles_that_are_not_there(write: Callable[..., Path]) -> None:
    path = write("[profile.night]\nworkers = 8\n")
    with pytest.raises(UsageError, match=r"has no \[profile\.nigth\]\. Did you mean night\?"):
        read("--profile=nigth", places=(path,))
    with pytest.raises(UsageError, match="there is no configuration file"):
        read("--profile=night")


def test_bounds_and_refusals_hold_for_files_too(write: Callable[..., Path]) -> None:
    values = read(places=(write("workers = 1000\nskip-strict-mode = true\n"),))
    assert values.whole("workers") == 64
    assert "1000 is out of bounds; 64 is used" in values.notes[0]
    with pytest.raises(UsageError, match=r"line 2: skip-strict-mode is not supported"):
        check_flags(values)


def test_a_password_that_others_can_read_is_warned_of(write: Callable[..., Path]) -> None:
    for text in (f"password = '{SECRET}'\n", f"url = 'mysql://me:{SECRET}@h/d'\n"):
        path = write(text)
        assert read(places=(path,)).notes == []
        path.chmod(0o640)
        notes = read(places=(path,)).notes
        assert "other users can read it" in notes[0]
        assert SECRET not in notes[0]
    path = write("workers = 3\n")
    path.chmod(0o644)
    assert read(places=(path,)).notes == []


def test_a_file_that_others_can_write_is_only_used_by_name(write: Callable[..., Path]) -> None:
    path = write("workers = 3\n")
    path.chmod(0o666)
    with pytest.raises(UsageError, match="can be written by everybody"):
        read(places=(path,))
    assert read(f"--config={path}").whole("workers") == 3
    assert read("--config=", places=(path,)).whole("workers") == 2
    if os.geteuid() == 0:
        path.chmod(0o600)
        os.chown(path, 12345, 12345)
        with pytest.raises(UsageError, match="belongs to another user"):
            read(places=(path,))


def test_where_to_connect_from_files_of_both_kinds(write: Callable[..., Path]) -> None:
    path = write("host = 'toml'\nuser = 'toml'\npassword = 'toml-secret'\nport = 3310\n")
    conf = write(f"[client]\nuser = conf\npassword = {SECRET}\nhost = conf\n", "my.cnf")
    found = connected(read(places=(path,)))
    assert (found.host, found.user, found.password, found.port) == ("toml", "toml", "toml-secret", 3310)
    found = connected(read(f"--conf={conf}", places=(path,)))
    assert (found.host, found.user, found.password, found.port) == ("conf", "conf", SECRET, 3310)
    found = connected(read(f"--conf={conf}", "--user=flag", places=(path,), GHOSTPY_HOST="variable"))
    assert (found.host, found.user, found.password) == ("variable", "flag", SECRET)
    write(f"host = 'toml'\nconf = '{conf}'\n")
    found = connected(read(places=(path,)))
    assert (found.host, found.user, found.password) == ("toml", "conf", SECRET)


def test_urls_of_all_layers(write: Callable[..., Path]) -> None:
    path = write(f"url = 'mysql://file:{SECRET}@file:3311/shop'\nport = 3312\n")
    found = connected(read(places=(path,)))
    assert (found.host, found.user, found.password, found.port) == ("file", "file", SECRET, 3312)
    found = connected(read(places=(path,), GHOSTPY_URL="mysql://variable@variable"))
    assert (found.host, found.user, found.password, found.port) == ("variable", "variable", "", 3306)
    found = connected(read("--host=flag", places=(path,)))
    assert (found.host, found.user) == ("flag", "file")


def test_config_shows_all_with_their_origin(
    write: Callable[..., Path], capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(f"workers = 3\nurl = 'mysql://me:{SECRET}@db1/shop'\nalter = 'ADD x INT'\n")
    monkeypatch.setenv("GHOSTPY_PASSWORD", "Merlin-0815")
    assert main(["config", "--table=t", "--json"]) == 0
    told = capsys.readouterr().out
    shown = json.loads(told)
    settings = shown["settings"]
    assert shown["file"] == "ghostpy.toml"
    assert settings["workers"] == {"value": 3, "origin": "file", "place": "ghostpy.toml, line 1"}
    assert settings["url"]["value"] == "mysql://me:***@db1/shop"
    assert settings["password"] == {"value": "***", "origin": "environment", "place": "GHOSTPY_PASSWORD"}
    assert settings["table"] == {"value": "t", "origin": "command line", "place": "--table"}
    assert settings["nice-ratio"] == {"value": 0.0, "origin": "default", "place": ""}
    assert settings.keys() <= FLAGS.keys()
    assert main(["config", "--table=t"]) == 0
    table = capsys.readouterr().out
    assert "file: ghostpy.toml, line 1" in table
    assert "environment: GHOSTPY_PASSWORD" in table
    assert "These lead to db1:3306 as me, with a password." in table
    for secret in (SECRET, "Merlin"):
        assert secret not in told + table


def test_config_says_what_cannot_be_used(write: Callable[..., Path], capsys: Capture) -> None:
    write("skip-strict-mode = true\n")
    assert main(["config"]) == 2
    shown = capsys.readouterr()
    assert "ghostpy.toml, line 1: skip-strict-mode is not supported" in shown.err
    assert "skip-strict-mode" in shown.out


def test_the_working_directory_goes_before_the_home(
    write: Callable[..., Path], capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("workers = 7\n", "config/ghostpy/ghostpy.toml")
    monkeypatch.setenv("XDG_CONFIG_HOME", "config")
    assert main(["config", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["settings"]["workers"]["value"] == 7
    write("workers = 5\n")
    assert main(["config", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["settings"]["workers"]["value"] == 5
