"""`ghostpy batch` before anything starts: the plan's file, its mistakes, its order, and what each migration is told."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from ghostpy.cli import batch
from ghostpy.cli.batch_plan import read_plan
from ghostpy.cli.batch_run import BatchRun, Result
from ghostpy.cli.flags import read_flags
from ghostpy.cli.main import main
from ghostpy.errors import BatchIncomplete, UsageError

Capture = pytest.CaptureFixture[str]
SECRET = "Kestrel-4711"

PLAN = """
jobs = 3
log-dir = "logs"

[defaults]
url = "mysql://me@db1/shop"
workers = 4

[[migration]]
table = "orders"
alter = "ADD COLUMN note TEXT"
after = ["second"]

[[migration]]
name = "second"
table = "customers"
alter = "ADD COLUMN note TEXT"
workers = 8
transform = ["note='a'", "x=1"]
"""


def write(folder: Path, text: str) -> str:
    path = folder / "plan.toml"
    path.write_text(text)
    return str(path)


def modes_of(path: Path) -> tuple[int, int]:
    """Of a file and its folder."""
    return stat.S_IMODE(path.stat().st_mode), stat.S_IMODE(path.parent.stat().st_mode)


def test_a_plan_is_read_in_its_order(tmp_path: Path) -> None:
    plan = read_plan(write(tmp_path, PLAN))
    assert (plan.jobs, plan.stop_on_failure, plan.log_dir) == (3, False, "logs")
    assert [entry.name for entry in plan.entries] == ["second", "1-orders"]
    merged = {each.flag.name: each for each in plan.entries[0].settings}
    assert (merged["workers"].value, merged["url"].value) == (8, "mysql://me@db1/shop")
    assert merged["workers"].place.endswith("line 18")
    assert merged["transform"].value == ("note='a'", "x=1")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "lists no migrations"),
        ("migration = 3", "lists no migrations"),
        ("job = 3\n[[migration]]\ntable = 't'", "'job' is not known here. Did you mean jobs?"),
        ("table = 't'\n[[migration]]\ntable = 't'", "'table' is not known here"),
        ("jobs = 0\n[[migration]]\ntable = 't'", "jobs must be between 1 and 64"),
        ("jobs = true\n[[migration]]\ntable = 't'", "jobs must be a whole number"),
        (
            "[[migration]]\ntable = 't'\n[[migration]]\ntabel = 't'",
            "line 4: there is no flag 'tabel'. Did you mean table?",
        ),
        ("[[migration]]\nname = 'a'\n[[migration]]\nname = 'a'", "two migrations are called a"),
        (
            "[[migration]]\nname = 'a'\nafter = 'bb'\n[[migration]]\nname = 'bbb'",
            "after 'bb', which is not in the list. Did you mean bbb?",
        ),
        (
            "[[migration]]\nname = 'a'\nafter = 'b'\n[[migration]]\nname = 'b'\nafter = ['a']\n[[migration]]\nname = 'c'",
            "a, b wait for each other",
        ),
        ("[[migration]]\nname = 'a'\nafter = 3", "after, of a, must be a list of names"),
        ("[[migration]\n", "is not TOML"),
    ],
)
def test_mistakes_in_a_plan(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(UsageError) as raised:
        read_plan(write(tmp_path, text))
    assert told in raised.value.message
    assert "plan.toml" in raised.value.message


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--jobs=2"], "The plan must stand first"),
        (["{plan}", "--nonsense"], "There is no flag --nonsense"),
        (["{plan}", "--ask-pass"], "a batch cannot ask"),
        (["{plan}", "--skip-strict-mode"], "The migration second: --skip-strict-mode is not supported"),
        (
            ["{plan}", "--alter="],
            "The migration second: --alter (what to change) or --desired (what to become) must be given",
        ),
        (["{plan}x"], "plan.tomlx cannot be read"),
    ],
)
def test_nothing_starts_before_all_are_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture, arguments: list[str], told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    plan = write(tmp_path, PLAN)
    assert main(["batch", *(each.format(plan=plan) for each in arguments)]) == 2
    assert told in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["plan.toml"]


def test_what_each_migration_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The configuration file below the plan, that below the environment, that below the flags; secrets in a file of our own."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ghostpy.toml").write_text(
        f"workers = 2\nmax-backlog = 5000\nnice-ratio = 1\npassword = '{SECRET}'\n[profile.big]\nmax-backlog = 6000\n"
    )
    text = PLAN.replace('name = "second"', 'name = "second"\nprofile = "big"')
    text = text.replace('note TEXT"', "note TEXT COMMENT '\\\"\\u007f'\"")
    told: list[dict[str, object]] = []

    async def run(self: BatchRun) -> list[Result]:
        for job in self.jobs:
            values = read_flags(job.arguments, {"GHOSTPY_NICE_RATIO": "2"})
            told.append(
                {name: values.value(name) for name in ("workers", "max-backlog", "nice-ratio", "alter", "verify")}
            )
            assert values.text("password") == SECRET
            assert SECRET not in " ".join(job.arguments)
            assert modes_of(Path(values.text("config"))) == (0o600, 0o700)
        assert [(job.name, job.table, job.after, job.behind) for job in self.jobs] == [
            ("second", "shop.customers", (), ()),
            ("1-orders", "shop.orders", ("second",), ()),
        ]
        assert self.limit == 5
        return []

    monkeypatch.setattr(BatchRun, "run", run)
    assert main(["batch", write(tmp_path, text), "--jobs=5", "--verify", "off"]) == 0
    alter = "ADD COLUMN note TEXT COMMENT '\"\x7f'"
    assert told == [
        {"workers": 8, "max-backlog": 6000, "nice-ratio": 2.0, "alter": alter, "verify": "off"},
        {"workers": 4, "max-backlog": 5000, "nice-ratio": 2.0, "alter": alter, "verify": "off"},
    ]


def test_migrations_of_one_table_come_one_after_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = PLAN.replace('"orders"', '"customers"').replace('after = ["second"]', "")
    found = []

    async def run(self: BatchRun) -> list[Result]:
        found.extend((job.name, job.behind) for job in self.jobs)
        return []

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(BatchRun, "run", run)
    assert main(["batch", write(tmp_path, text)]) == 0
    assert found == [("1-customers", ()), ("second", ("1-customers",))]


def test_a_deadline_is_that_of_the_whole_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []

    async def run(self: BatchRun) -> list[Result]:
        found.extend((job.deadline, job.arguments[-1]) for job in self.jobs)
        return []

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(BatchRun, "run", run)
    assert main(["batch", write(tmp_path, PLAN), "--deadline=6h"]) == 0
    moments = {moment for moment, _ in found}
    assert len(moments) == 1
    assert {flag for _, flag in found} == {f"--deadline={moment.isoformat()}" for moment in moments if moment}


def test_nothing_is_started_behind_the_deadline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.chdir(tmp_path)
    plan = write(tmp_path, PLAN.replace('after = ["second"]', ""))
    assert main(["batch", plan, "--deadline=2026-01-01T06:00+00:00", "--json"]) == 14
    shown = capsys.readouterr()
    told = json.loads(shown.out)["migrations"]
    assert [(each["state"], each["exit"]) for each in told] == [("stopped", 14)] * 2
    assert "2 of 2 migrations did not come through" in shown.err


@pytest.mark.parametrize(
    ("codes", "code"), [({14}, 14), ({75}, 75), ({14, 75}, 18), ({3}, 18), ({14, 1}, 18), (set(), 18)]
)
def test_the_exit_code(codes: set[int], code: int) -> None:
    assert BatchIncomplete("x", codes=codes).exit_code == code


def test_help(capsys: Capture) -> None:
    assert batch.run(["--help"]) == 0
    assert "PLAN.toml" in capsys.readouterr().out
    assert batch.run([]) == 2
