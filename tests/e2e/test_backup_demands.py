"""Proof of a backup, and a command before the change, at real runs: what is refused, what is run when, and that nothing is made before."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from going_back import Place
from migrating import Finished, ghostpy
from waiting import until

from ghostpy import sandbox

NewDatabase = Callable[[sandbox.Server], str]
ROWS = 5000
SECRET = "Plover-2217"


@pytest.fixture(params=["mysql", "postgres"])
def place(request: pytest.FixtureRequest, new_database: NewDatabase) -> Place:
    server: sandbox.Server = request.getfixturevalue(request.param)
    found = Place(server, new_database(server))
    found.do("CREATE TABLE t (id INT PRIMARY KEY, v INT NOT NULL)")
    found.do(f"INSERT INTO t VALUES {', '.join(f'({n}, {n})' for n in range(ROWS))}")
    return found


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    """A backup of a day and a half ago."""
    path = tmp_path / "backups" / "shop.gz"
    path.parent.mkdir()
    path.write_text("all of it")
    then = time.time() - 36 * 3600
    os.utime(path, (then, then))
    return path


def rewrite(place: Place) -> str:
    return "ALTER COLUMN v TYPE bigint" if place.server.kind == "postgres" else "MODIFY v BIGINT NOT NULL"


def type_of_v(place: Place) -> str:
    return str(
        place.ask("SELECT data_type FROM information_schema.columns WHERE table_name = 't' AND column_name = 'v'")[0][0]
    )


def helpers(place: Place) -> list[str]:
    """The tables of ghostpy's, wherever they are."""
    schema = "table_schema = DATABASE() AND" if place.server.kind == "mysql" else ""
    found = place.ask(f"SELECT table_schema, table_name FROM information_schema.tables WHERE {schema} (table_name LIKE '\\_t\\_%' OR table_schema LIKE '\\_public\\_%')")  # fmt: skip
    return sorted(f"{schema}.{name}" for schema, name in found)


def script(folder: Path, name: str, lines: str) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{lines}\n")
    path.chmod(0o755)
    return path


def assert_refused(finished: Finished, *says: str) -> None:
    assert finished.status == 3, finished.errors
    for text in says:
        assert text in finished.errors, finished.errors


def test_a_backup_that_is_asked_for(place: Place, backup: Path, tmp_path: Path) -> None:
    says_no = script(tmp_path, "check", "echo looking; echo 'none since Monday'; exit 4")
    demands = [f"--require-backup-file={backup.parent}", f"--require-backup-command={says_no} --token {SECRET}"]
    refused = place.migrate(rewrite(place), *demands)
    assert_refused(refused, "[backup-too-old]", "1d12h old", "[backup-not-confirmed]", "it said: none since Monday")
    assert SECRET not in refused.output + refused.errors
    assert (helpers(place), type_of_v(place)) != ([], "bigint")
    assert helpers(place) == []
    # The plan says so as well, and what is to be seen before where all is well.
    call = ["plan", *place.at, f"--alter={rewrite(place)}", "--format=json"]
    planned = ghostpy(*call, *demands)
    document = json.loads(planned.output)
    assert (planned.status, document["possible"]) == (3, False)
    assert [each["code"] for each in document["findings"]] == ["backup-too-old", "backup-not-confirmed"]
    says_yes = script(tmp_path, "check", 'echo "$GH_OST_DATABASE_NAME.$GH_OST_TABLE_NAME: last night"')
    demands += ["--backup-max-age=2d", f"--before={says_yes} {SECRET}"]
    planned = ghostpy(*call, *demands)
    assert planned.status == 0, planned.errors
    document = json.loads(planned.output)
    seen = {each["run"]: each["what"] for each in document["checks"]["before"]}
    assert "a backup is at most 2d old" in seen[str(backup.parent)]
    assert "--require-backup-command" in seen[str(says_yes)]
    assert document["steps"][0]["does"] == f"run {says_yes} (--before)"
    assert SECRET not in planned.output + planned.errors
    done = place.migrate(rewrite(place), *demands[:-1])
    assert done.status == 0, done.errors
    assert f"{place.database}.t: last night" in done.errors
    assert type_of_v(place) == "bigint"


def test_what_is_asked_for_in_the_file(place: Place, backup: Path, tmp_path: Path) -> None:
    config = tmp_path / "ghostpy.toml"
    config.write_text(f'require-backup-file = ["{backup}"]\n')
    assert_refused(place.migrate(rewrite(place), f"--config={config}"), "[backup-too-old]")
    finished = ghostpy(
        "migrate", *place.at, f"--alter={rewrite(place)}", environment={**os.environ, "GHOSTPY_REQUIRE_BACKUP_FILE": str(backup)}
    )  # fmt: skip
    assert_refused(finished, "[backup-too-old]")


def test_nothing_to_do_asks_for_nothing(place: Place, backup: Path, tmp_path: Path) -> None:
    assert place.migrate(rewrite(place), "--ok-to-drop-table").status == 0
    never = script(tmp_path, "never", f"touch {tmp_path}/ran")
    again = place.migrate(rewrite(place), "--strategy=auto", f"--require-backup-file={backup}", f"--before={never}")
    assert again.status == 0, again.errors
    assert not (tmp_path / "ran").exists()


def test_the_command_before_runs_once_and_before_anything_is_made(place: Place, tmp_path: Path) -> None:
    ready, go = tmp_path / "ready", tmp_path / "go"
    command = script(
        tmp_path,
        "dump",
        f'echo "dumping $GH_OST_TABLE_NAME $1"; echo ran >> {ready}; until [ -e {go} ]; do sleep 0.05; done',
    )
    flags = (f"--alter={rewrite(place)}", f"--before={command} '$HOME x'", "--chunk-size=10", "--workers=1", "--nice-ratio=100", "--checkpoint-seconds=1")  # fmt: skip
    with place.started(tmp_path, "migrate", *flags) as run:
        until(ready.exists, "the command to run")
        assert helpers(place) == []
        go.touch()
        until(lambda: _checkpointed(place), "a checkpoint")
        run.kill()
        run.wait()
    assert "dumping t $HOME x" in (tmp_path / "errors").read_text()
    with place.started(tmp_path, "migrate", *flags[:2]) as run:
        assert run.wait(180) == 0, (tmp_path / "errors").read_text()
    assert "going on with the work of an earlier run" in (tmp_path / "errors").read_text()
    assert ready.read_text().splitlines() == ["ran"]
    assert type_of_v(place) == "bigint"


def _checkpointed(place: Place) -> bool:
    ledger = "_t_ghc" if place.server.kind == "mysql" else "_public_t_gho._ghostpy_ledger"
    return bool(helpers(place)) and bool(place.ask(f"SELECT id FROM {ledger} WHERE id = 'checkpoint'"))


def test_a_command_before_that_fails(place: Place, tmp_path: Path) -> None:
    for lines, says, more in (
        ("echo 'no room for a dump' >&2; exit 7", "ended with exit status 7", ()),
        ("sleep 600", "did not end within 1 s and was killed", ("--before-timeout=1",)),
    ):
        command = script(tmp_path, "dump", lines)
        finished = place.migrate(rewrite(place), f"--before={command} {SECRET}", *more)
        assert finished.status == 16, finished.errors
        assert says in finished.errors
        assert "was not changed, and nothing was created" in finished.errors
        assert SECRET not in finished.output + finished.errors
        assert helpers(place) == []
    assert "no room for a dump" not in finished.errors
    missing = place.migrate(rewrite(place), "--before=/nowhere/dump")
    assert_refused(missing, "[before-no-program]")
    # A dry run does not run it.
    ran = script(tmp_path, "ran", f"touch {tmp_path}/it-ran")
    assert ghostpy("migrate", *place.at, f"--alter={rewrite(place)}", f"--before={ran}").status == 0
    assert not (tmp_path / "it-ran").exists()


def test_a_signal_ends_the_command_before(place: Place, tmp_path: Path) -> None:
    command = script(tmp_path, "dump", f"echo $$ > {tmp_path}/pid; exec sleep 600")
    with place.started(tmp_path, "migrate", f"--alter={rewrite(place)}", f"--before={command}") as run:
        until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text(), "the command to run")
        run.send_signal(signal.SIGTERM)
        assert run.wait(60) == 143
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
    assert helpers(place) == []


def test_a_revert_that_asks_for_a_backup(place: Place, backup: Path, tmp_path: Path) -> None:
    assert place.migrate(rewrite(place), "--keep-revertible").status == 0
    note = script(tmp_path, "note", f'echo "$GH_OST_REVERT" >> {tmp_path}/ran')
    refused = place.revert("--execute", f"--require-backup-file={backup}", f"--before={note}")
    assert_refused(refused, "[backup-too-old]")
    assert type_of_v(place) == "bigint"
    assert not (tmp_path / "ran").exists()
    done = place.revert("--execute", f"--require-backup-file={backup}", "--backup-max-age=2d", f"--before={note}")
    assert done.status == 0, done.errors
    assert (tmp_path / "ran").read_text().splitlines() == ["true"]
    assert type_of_v(place) != "bigint"


def test_a_revert_by_the_run_that_keeps_the_old_table_asks_for_a_backup(
    place: Place, backup: Path, tmp_path: Path
) -> None:
    with place.started(tmp_path, "migrate", f"--alter={rewrite(place)}", "--revert-window=1h") as run:
        until(lambda: "the old table is kept in step" in (tmp_path / "errors").read_text(), "the window")
        refused = place.revert("--execute", f"--require-backup-file={backup}")
        assert_refused(refused, "[backup-too-old]")
        assert run.poll() is None
        assert type_of_v(place) == "bigint"
        note = script(tmp_path, "note", f"touch {tmp_path}/ran")
        assert place.revert("--execute", f"--before={note}").status == 0
        assert run.wait(60) == 0
    assert (tmp_path / "ran").exists()
    assert type_of_v(place) != "bigint"


def test_a_backfill_that_asks_for_a_backup(place: Place, backup: Path, tmp_path: Path) -> None:
    note = script(tmp_path, "note", f"echo ran >> {tmp_path}/ran")
    call = ["backfill", *place.at, "--set=v = v + 1", "--execute", f"--before={note}"]
    assert_refused(ghostpy(*call, f"--require-backup-file={backup}"), "[backup-too-old]")
    assert place.ask("SELECT SUM(v - id) FROM t")[0][0] == 0
    assert ghostpy(*call).status == 0
    assert place.ask("SELECT SUM(v - id) FROM t")[0][0] == ROWS
    assert (tmp_path / "ran").read_text().splitlines() == ["ran"]


def test_expand_contract_and_rollback(place: Place, backup: Path, tmp_path: Path) -> None:
    note = script(tmp_path, "note", f"echo $GH_OST_TABLE_NAME >> {tmp_path}/ran")
    wish = {"expand": ("--add=w bigint", "--up=w = v", "--down=v = w"), "contract": ("--watch-seconds=0", "--allow-unproven")}  # fmt: skip

    def call(command: str, *flags: str) -> Finished:
        return ghostpy(command, *place.at, *wish.get(command, ()), f"--before={note}", *flags)

    def ran() -> int:
        return len((tmp_path / "ran").read_text().splitlines()) if (tmp_path / "ran").exists() else 0

    demand = f"--require-backup-file={backup}"
    for number, command in enumerate(("expand", "contract", "rollback"), start=1):
        assert_refused(call(command, demand), "[backup-too-old]")
        assert_refused(call(command, demand, "--execute"), "[backup-too-old]")
        assert ran() == number - 1
        done = call(command, "--execute")
        assert done.status == 0, done.errors
        # Once, though a backfill and a migration are in it.
        assert ran() == number
    again = call("rollback", "--execute")
    assert again.status == 0, again.errors
    assert ran() == 3


def test_of_a_batch_each_migration_asks(place: Place, backup: Path, tmp_path: Path) -> None:
    batch = tmp_path / "batch.toml"
    batch.write_text(
        f'log-dir = "{tmp_path}/logs"\n[defaults]\nurl = "{place.at[0].removeprefix("--url=")}"\nexecute = true\n'
        f'require-backup-file = ["{backup}"]\n[[migration]]\ntable = "t"\nalter = "{rewrite(place)}"\n'
    )
    finished = ghostpy("batch", str(batch))
    assert finished.status == 18, finished.errors
    logs = "".join(path.read_text() for path in (tmp_path / "logs").iterdir())
    assert "[backup-too-old]" in logs
    assert helpers(place) == []
