"""Bad input to the commands beside migrate: each call is refused in words, with the exit code of its kind, before anything is done."""

from __future__ import annotations

import os

import pytest

from ghostpy.cli.main import main

Capture = pytest.CaptureFixture[str]
_HERE = "--url=mysql://h/d --table=t"

# A call, its exit code, and what its message must name.
CALLS = [
    ("nonsense", 2, "There is no command 'nonsense'"),
    ("migrat", 2, "Did you mean migrate?"),
    ("control --socket", 2, "--socket needs a value"),
    ("control nonsense", 2, "There is no command 'nonsense'"),
    ("control --nonsense status", 2, "--nonsense"),
    ("control --socket=/nonexistent status", 4, "/nonexistent"),
    ("control --table=no.such status", 2, "no run of no.such under way"),
    ("list x", 2, "'x' means nothing to list"),
    ("list --nonsense", 2, "--nonsense"),
    ("top x", 2, "'x' means nothing to top"),
    ("top --interval=0", 2, "from 0.1 to 3600"),
    ("top --interval=x", 2, "from 0.1 to 3600"),
    ("completion", 2, "one of bash, zsh, fish"),
    ("completion tcsh", 2, "one of bash, zsh, fish"),
    ("sandbox postgres --version=x", 2, "whole numbers"),
    ("config --nonsense", 2, "--nonsense"),
    ("config x", 2, "'x' belongs to no flag"),
    ("config --port=x", 2, "--port must be a whole number"),
    ("config --execute=perhaps", 2, "must be true or false"),
    ("config --profile=none", 2, "no configuration file"),
    ("batch /nonexistent.toml", 2, "cannot be read"),
    ("batch --jobs=2 x", 2, "plan must stand first"),
    ("plan", 2, "must be given"),
    ("plan --execute", 2, "--execute means nothing to plan"),
    ("plan --format=xml", 2, "'xml'"),
    ("plan --nonsense", 2, "--nonsense"),
    (f"plan {_HERE}", 2, "--alter"),
    ("cleanup x", 2, "'x' belongs to no flag"),
    ("cleanup --url=oracle://h/d", 2, "must begin with one of"),
    ("cleanup --port=0", 2, "between 1 and 65535"),
    ("cleanup --port=70000", 2, "between 1 and 65535"),
    ("cleanup --password-file=/nonexistent", 2, "/nonexistent cannot be read"),
    ("cleanup --conf=/nonexistent", 2, "/nonexistent cannot be read"),
    ("cleanup --config=/nonexistent", 2, "/nonexistent cannot be read"),
    ("cleanup --ssl --ssl-ca=/nonexistent", 2, "no file /nonexistent"),
    ("cleanup --ssl-key=x", 2, "only be used with --ssl"),
    ("cleanup --url=mysql://127.0.0.1:1/", 4, "127.0.0.1:1"),
    ("cleanup --url=postgresql://127.0.0.1:1/d", 4, "127.0.0.1:1"),
    ("cleanup --profile=none", 2, "no configuration file"),
    ("cleanup --chunk-size=10", 2, "means nothing to cleanup"),
    ("verify", 2, "--database and --table must be given"),
    ("verify --table=t", 2, "--database must be given"),
    ("verify --database=d", 2, "--table must be given"),
    ("verify x", 2, "'x' belongs to no flag"),
    ("verify --url=mysql://127.0.0.1:1/d --table=t", 4, "127.0.0.1:1"),
    ("verify --url=postgresql://127.0.0.1:1/d --table=t", 4, "127.0.0.1:1"),
    ("verify --url=postgresql://h/d?color=red --table=t", 2, "color"),
    ('verify --url=postgresql://h/d --table="t', 2, "has no end"),
    (f"verify {_HERE} --alter=x", 2, "means nothing to verify"),
    (f"verify {_HERE} --chunk-size=x", 2, "whole number"),
    (f"verify {_HERE} --workers=x", 2, "whole number"),
    (f"verify {_HERE} --transform=x", 2, "column=expression"),
    (f"verify {_HERE} --transform=x=1 --transform=x=2", 2, "twice"),
    (f"verify {_HERE} --renamed=x", 2, "OLD=NEW"),
    (f"verify {_HERE} --max-differences=x", 2, "invalid int"),
    (f"verify {_HERE} --again-after=-1", 2, "between 0 and 3600"),
    (f"verify {_HERE} --again-after=nan", 2, "between 0 and 3600"),
    (f"verify {_HERE} --window=never", 2, "--window"),
    (f"verify {_HERE} --deadline=x", 2, "--deadline"),
    (f"verify {_HERE} --throttle-http=x", 2, "--throttle-http"),
    (f"verify {_HERE} --throttle-http=http://[::1", 2, "--throttle-http"),
    (f"verify {_HERE} --throttle-signal=x", 2, "name=SQL"),
    (f"verify {_HERE} --where=;", 2, "--where is empty"),
]


@pytest.mark.parametrize(("call", "code", "told"), CALLS, ids=[call for call, _, _ in CALLS])
def test_refused(call: str, code: int, told: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("GHOSTPY_", "MYSQL", "PG"))]:
        monkeypatch.delenv(name)
    assert main(call.split()) == code
    shown = capsys.readouterr().err
    assert told in shown
    assert "Nothing was changed" in shown
    assert "Traceback" not in shown


@pytest.mark.parametrize("command", ["migrate", "plan", "revert", "cleanup", "verify"])
def test_nobody_types_the_password(command: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    def at_its_end(_: str) -> str:
        raise EOFError

    monkeypatch.setattr("getpass.getpass", at_its_end)
    call = [command, *_HERE.split(), "--ask-pass"] + (
        [] if command in ("cleanup", "verify", "revert") else ["--alter=ADD x INT"]
    )
    if command == "cleanup":
        call.remove("--table=t")
    assert main(call) == 2
    shown = capsys.readouterr().err
    assert "no password was typed" in shown
    assert "Traceback" not in shown


def test_there_are_enough_of_each_command() -> None:
    counted = {
        name: sum(call.split()[0] == name for call, _, _ in CALLS)
        for name in ("control", "config", "cleanup", "verify", "plan")
    }
    assert min(counted.values()) >= 5
