"""A list of migrations on servers of both kinds: order, failures that do not lose the others, signals, and the second call."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from migrating import cursor_of, ghostpy, url_of

from ghostpy import sandbox

NewDatabase = Callable[[sandbox.Server], str]
SLOW = "chunk-size = 100\nworkers = 1\nnice-ratio = 100\n"


def columns_of(server: sandbox.Server, database: str, table: str) -> set[str]:
    with cursor_of(server, database) as cursor:
        cursor.execute(f"SELECT * FROM {table} WHERE 1 = 0")
        return {column[0] for column in cursor.description}


def plan_of(folder: Path, text: str) -> str:
    path = folder / "plan.toml"
    path.write_text(text)
    return str(path)


@pytest.fixture
def shop(mysql: sandbox.MySQLServer, database: str) -> str:
    """A database with two tables."""
    with cursor_of(mysql, database) as cursor:
        for table in ("orders", "customers"):
            cursor.execute(f"CREATE TABLE {table} (id INT PRIMARY KEY, v INT)")
            cursor.execute(f"INSERT INTO {table} VALUES (1, 1), (2, 2)")
    return database


def test_both_kinds_of_servers_one_failure_and_the_second_call(
    mysql: sandbox.MySQLServer,
    postgres: sandbox.PostgresServer,
    new_database: NewDatabase,
    shop: str,
    tmp_path: Path,
) -> None:
    other = new_database(postgres)
    with cursor_of(postgres, other) as cursor:
        cursor.execute("CREATE TABLE events (id int PRIMARY KEY, v int)")
    text = f"""
        jobs = 2
        [defaults]
        execute = true
        url = "{url_of(mysql, shop)}"
        ok-to-drop-table = true
        [[migration]]
        table = "orders"
        alter = "ADD COLUMN note TEXT"
        [[migration]]
        name = "fails"
        table = "customers"
        alter = "MODIFY nobody BIGINT"
        [[migration]]
        name = "lost"
        table = "orders"
        alter = "ADD COLUMN never INT"
        after = ["fails"]
        [[migration]]
        name = "same table again"
        table = "orders"
        alter = "ADD INDEX by_v (v)"
        [[migration]]
        name = "postgres"
        url = "{url_of(postgres, other)}"
        table = "events"
        alter = "ALTER COLUMN v TYPE bigint"
    """
    call = ("batch", plan_of(tmp_path, text), "--json")
    finished = ghostpy(*call)
    assert finished.status == 18, finished.errors
    assert "2 of 5 migrations did not come through: fails, lost" in finished.errors
    told = {each["name"]: each for each in json.loads(finished.output)["migrations"]}
    assert {name: (each["state"], each["exit"]) for name, each in told.items()} == {
        "1-orders": ("done", 0),
        "fails": ("failed", 3),
        "lost": ("not started", None),
        "same table again": ("done", 0),
        "postgres": ("done", 0),
    }
    assert told["fails"]["summary"] == "not started (refused), exit 3"
    assert told["lost"]["summary"] == "not started: fails did not come through"
    assert "Unknown column" in Path(told["fails"]["log"]).read_text()
    assert Path(told["same table again"]["log"]) == tmp_path / "plan-logs" / "same_table_again.log"
    assert columns_of(mysql, shop, "orders") == {"id", "v", "note"}
    # What was wrong is put right: the same call goes on.
    plan_of(tmp_path, text.replace("MODIFY nobody", "MODIFY v"))
    finished = ghostpy(*call)
    assert finished.status == 0, finished.errors
    states = {each["name"]: each["state"] for each in json.loads(finished.output)["migrations"]}
    assert states == {
        "1-orders": "nothing to do",
        "fails": "done",
        "lost": "done",
        "same table again": "nothing to do",
        "postgres": "nothing to do",
    }
    finished = ghostpy(*call[:2])
    assert finished.status == 0
    assert finished.output.count("nothing to do, the table has the wanted shape already") >= 5
    quiet = ghostpy(*call[:2], "--quiet").output.splitlines()
    assert len(quiet) == 5
    assert all(line.endswith("nothing to do, the table has the wanted shape already") for line in quiet)


def test_it_stops_where_told_so_and_is_a_dry_run_by_default(
    mysql: sandbox.MySQLServer, shop: str, tmp_path: Path
) -> None:
    text = f"""
        [defaults]
        url = "{url_of(mysql, shop)}"
        [[migration]]
        table = "orders"
        alter = "ADD COLUMN note TEXT"
        [[migration]]
        table = "customers"
        alter = "MODIFY nobody BIGINT"
        [[migration]]
        name = "last"
        table = "customers"
        alter = "ADD COLUMN note TEXT"
    """
    finished = ghostpy(
        "batch", plan_of(tmp_path, text), "--stop-on-failure", f"--log-dir={tmp_path / 'logs'}", "--quiet"
    )
    assert finished.status == 18
    lines = [line.split(": ", 2)[2] for line in finished.output.splitlines()]
    assert lines == [
        "planned (shadow), nothing was changed",
        "not started (refused), exit 3",
        "not started: 2-customers did not come through",
    ]
    assert columns_of(mysql, shop, "orders") == {"id", "v"}
    assert sorted(path.name for path in (tmp_path / "logs").iterdir()) == ["1-orders.log", "2-customers.log"]


def test_a_signal_is_passed_on(mysql: sandbox.MySQLServer, shop: str, tmp_path: Path) -> None:
    with cursor_of(mysql, shop) as cursor:
        rows = ",".join(f"({number}, 1)" for number in range(10, 20_000))
        cursor.execute(f"INSERT INTO orders VALUES {rows}")
    text = f"""
        [defaults]
        execute = true
        url = "{url_of(mysql, shop)}"
        {SLOW.replace(chr(10), chr(10) + "        ")}
        [[migration]]
        table = "orders"
        alter = "ADD COLUMN note TEXT"
        [[migration]]
        table = "customers"
        alter = "ADD COLUMN note TEXT"
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "ghostpy", "batch", plan_of(tmp_path, text)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        log = tmp_path / "plan-logs" / "1-orders.log"
        deadline = time.monotonic() + 60
        while not (log.exists() and "\nCopy: " in log.read_text()):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        output, errors = process.communicate(timeout=60)
    assert process.returncode == 143, errors
    assert "2 of 2 migrations did not come through" in errors
    assert "not started: SIGTERM ended the batch" in output
    assert "ended at" in output
    with cursor_of(mysql, shop) as cursor:
        cursor.execute("SHOW TABLES")
        assert cursor.fetchall() == (("customers",), ("orders",))
