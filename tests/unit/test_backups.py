"""Proof of a backup, without a server: which file counts, how old it may be, what a command says, and which flags are read how."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ghostpy.assembly.beforehand import Beforehand, newest_file
from ghostpy.cli.backup_flags import backup_settings
from ghostpy.cli.flags import read_flags
from ghostpy.errors import BeforeFailed, PlanRefused, UsageError
from ghostpy.model.backup import BackupFile, span
from ghostpy.model.finding import Finding
from ghostpy.preflight.backup import file_findings
from ghostpy.preflight.refusal import refusal
from ghostpy.settings import BackupSettings, MigrateSettings, TargetSettings

HOUR = 3600.0
Program = Callable[[str], str]


class Said:
    """Fulfils as much of `Observer` as is told here."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def happened(self, text: str, *, warning: bool = False) -> None:
        self.lines.append(text)


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """Makes a program of lines of shell; its path."""

    def make(lines: str) -> str:
        path = tmp_path / f"program-{len(list(tmp_path.iterdir()))}"
        path.write_text(f"#!/bin/sh\n{lines}\n")
        path.chmod(0o755)
        return str(path)

    return make


def file(path: Path, *, hours: float = 0.0, text: str = "x") -> Path:
    """A file as old as that."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    moment = time.time() - hours * HOUR
    os.utime(path, (moment, moment))
    return path


def beforehand(backups: BackupSettings, said: Said | None = None) -> Beforehand:
    settings = MigrateSettings(target=TargetSettings(database="shop", table="t"), backups=backups)
    return Beforehand(settings, "db1:3306", said or Said())  # type: ignore[arg-type]


def codes(backups: BackupSettings) -> list[str]:
    return [each.code for each in asyncio.run(beforehand(backups).findings())]


@pytest.mark.parametrize(
    ("hours", "code"),
    [(0, None), (23.9, None), (24.1, "backup-too-old"), (-0.05, None), (-1, "backup-dated-ahead")],
)
def test_the_age_of_a_file(hours: float, code: str | None) -> None:
    found = file_findings("b", BackupFile(Path("b"), 1e9 - hours * HOUR), 1e9, 24 * HOUR)
    assert [each.code for each in found] == ([code] if code else [])


def test_ages_as_people_say_them() -> None:
    told = [span(seconds) for seconds in (0, 45, 720, 7500, 3600, 3 * 86400 + 4 * 3600 + 59)]
    assert told == ["0s", "45s", "12m", "2h5m", "1h", "3d4h"]


def test_which_file_counts(tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    assert newest_file(str(folder)) is None
    file(folder / "monday.gz", hours=30)
    newest = file(folder / "tuesday.gz", hours=6)
    file(folder / "wednesday.gz", text="")
    file(folder / ".thursday.gz.part")
    file(folder / "deeper" / "friday.sql")
    for pattern in (folder, newest, folder / "*.gz", folder / "t*"):
        found = newest_file(str(pattern))
        assert found is not None, pattern
        assert found.path == newest, pattern
    deep = newest_file(str(folder / "**" / "*.sql"))
    assert deep is not None
    assert deep.path == folder / "deeper" / "friday.sql"
    assert newest_file(str(folder / "wednesday.gz")) is None
    assert newest_file(str(folder / "*.tar")) is None
    (folder / "gone.gz").symlink_to("nowhere")
    found = newest_file(str(folder))
    assert found is not None
    assert found.path == newest


def test_a_file_with_the_signs_of_a_pattern_in_its_name(tmp_path: Path) -> None:
    path = file(tmp_path / "db[1].gz")
    found = newest_file(str(path))
    assert found is not None
    assert found.path == path


def test_a_path_in_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    file(tmp_path / "b" / "today.gz")
    assert codes(BackupSettings(files=("~/b",))) == []


def test_each_demand_is_one_of_its_own_and_all_are_told(tmp_path: Path, program: Program) -> None:
    old, none = file(tmp_path / "old", hours=30), tmp_path / "none"
    asked = BackupSettings(
        files=(str(old), str(none)),
        commands=((program("exit 0"),), (program("echo; echo 'no backup since Monday'; echo; exit 3"),)),
        before=("no-such-program-here",),
    )
    found = asyncio.run(beforehand(asked).findings())
    assert [each.code for each in found] == [
        "backup-too-old",
        "backup-missing",
        "backup-not-confirmed",
        "before-no-program",
    ]
    assert "1d6h old, and at most 1d are allowed" in found[0].text
    assert "ended with exit status 3; it said: no backup since Monday" in found[2].text


def test_what_cannot_be_looked_at_is_no_backup(tmp_path: Path) -> None:
    assert codes(BackupSettings(files=(f"{file(tmp_path / 'file')}/in-it",))) == ["backup-missing"]


def test_commands_that_cannot_confirm(program: Program) -> None:
    for command in (("/nowhere/at-all",), (program("kill -9 $$"),), (program("exec sleep 600"),)):
        assert codes(BackupSettings(commands=(command,), command_timeout=0.3)) == ["backup-not-confirmed"]


def test_a_command_has_its_arguments_unexpanded_and_the_hooks_environment(tmp_path: Path, program: Program) -> None:
    said = Said()
    command = program('echo "$1|$2|$#|$GH_OST_DATABASE_NAME.$GH_OST_TABLE_NAME|$GH_OST_MIGRATED_HOST|$GH_OST_DRY_RUN"')
    asked = BackupSettings(commands=((command, "$HOME; id", "*"),))
    assert asyncio.run(beforehand(asked, said).findings()) == []
    assert said.lines[-1] == f"a backup: {command} says so: $HOME; id|*|2|shop.t|db1|true"


def test_arguments_are_in_no_message(program: Program) -> None:
    said = Said()
    failing, hidden = program("exit 1"), "Plover-2217"
    asked = BackupSettings(commands=((failing, hidden),), before=(failing, hidden))
    assert hidden not in repr(asked)
    found = asyncio.run(beforehand(asked, said).findings())
    with pytest.raises(BeforeFailed) as failure:
        asyncio.run(beforehand(asked, said).run())
    assert hidden not in f"{found} {failure.value} {failure.value.hint} {said.lines}"
    assert "t on db1:3306 was not changed, and nothing was created" in failure.value.message


def test_what_stands_against_the_plan_and_the_backup_are_told_together(tmp_path: Path) -> None:
    asked = beforehand(BackupSettings(files=(str(tmp_path / "none"),)))

    async def refused(*findings: Finding) -> None:
        raise refusal(asked._source, "db1:3306", findings)

    async def at_once() -> None:
        raise PlanRefused("nothing to be looked at")

    with pytest.raises(PlanRefused) as both:
        asyncio.run(asked.proven(refused(Finding("triggers", "it has triggers"))))
    assert [each.code for each in both.value.findings] == ["triggers", "backup-missing"]
    assert "[triggers]" in both.value.message
    assert "[backup-missing]" in both.value.message
    with pytest.raises(PlanRefused, match="nothing to be looked at"):
        asyncio.run(asked.proven(at_once()))


def test_the_flags() -> None:
    read = backup_settings(
        read_flags(
            [
                "--require-backup-file=a", "--require-backup-file=b*", "--backup-max-age=90m",
                "--require-backup-command=check 'a b' \\$x", "--backup-command-timeout=5", "--before=dump --all", "--before-timeout=9",
            ],
            {},
        )
    )  # fmt: skip
    assert read == BackupSettings(
        files=("a", "b*"),
        max_age=5400.0,
        commands=(("check", "a b", "$x"),),
        command_timeout=5.0,
        before=("dump", "--all"),
        before_timeout=9.0,
    )
    assert backup_settings(read_flags([], {})) == BackupSettings()
    assert backup_settings(read_flags(["--before="], {"GHOSTPY_BEFORE": "dump"})).before == ()
    assert backup_settings(read_flags([], {"GHOSTPY_REQUIRE_BACKUP_FILE": "a\nb"})).files == ("a", "b")


@pytest.mark.parametrize(
    ("flag", "says"),
    [
        ("--backup-max-age=yesterday", "must be a duration"),
        ("--backup-max-age=0h", "must be a duration"),
        ("--backup-max-age=", "must be a duration"),
        ("--require-backup-file=", "--require-backup-file is empty"),
        ("--require-backup-command=", "--require-backup-command is empty"),
        ("--require-backup-command=''", "--require-backup-command is empty"),
        ("--before=dump 'x", "no closing quotation"),
    ],
)
def test_flags_that_cannot_be_read(flag: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        backup_settings(read_flags([flag], {}))
