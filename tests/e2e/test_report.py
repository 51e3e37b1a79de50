"""The report of real runs: one that ends well, one that fails, one that is interrupted; and in a browser."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from browser import assert_well_shown
from migrating import cursor_of, ghostpy
from waiting import until
from watched import ROWS, SECRET, Place, make_place, started

from ghostpy import sandbox


@pytest.fixture(params=["mysql", "postgres"])
def place(request: pytest.FixtureRequest, new_database: Callable[[sandbox.Server], str]) -> Place:
    return make_place(request.getfixturevalue(request.param), new_database)


def read(folder: Path) -> dict[str, Any]:
    """The one report in a folder; the page beside it names the same outcome."""
    (path,) = folder.glob("*.json")
    data: dict[str, Any] = json.loads(path.read_text())
    page = path.with_suffix(".html").read_text()
    assert f"<title>{data['table']}: {data['outcome']['result']}</title>" in page
    assert not re.search(r"https?://", page)
    return data


def changes(data: dict[str, Any]) -> list[str]:
    return [line for line in data["schema"]["diff"] if line[0] in "+-"]


def test_after_success(place: Place, tmp_path: Path) -> None:
    flag = tmp_path / "postpone"
    flag.touch()
    reports = tmp_path / "reports"
    reports.mkdir()
    arguments = [f"--report={reports}", f"--postpone-cut-over-flag-file={flag}", "--verbose", *place.slowly]
    with started(place, tmp_path, *arguments) as run:
        until(
            lambda: run.poll() is not None or "postponing" in (tmp_path / "output").read_text(),
            "the postponed cut-over",
        )
        flag.unlink()
        assert run.wait(120) == 0, (tmp_path / "errors").read_text()
    data = read(reports)
    assert data["table"] == place.table
    assert (data["outcome"]["result"], data["outcome"]["exit_code"]) == ("changed", 0)
    figures = data["figures"]
    assert (figures["rows_copied"], figures["rows_verified"], figures["verified"]) == (ROWS, ROWS, True)
    assert figures["lock_seconds"] > 0
    phases = [span["kind"] for span in data["phases"]]
    assert phases[:2] == ["preparing", "copying"]
    assert phases.index("copying") < phases.index("postponing cut-over") < phases.index("cutting over")
    assert max(point["rows_copied"] for point in data["timeline"]) == ROWS
    assert len(data["cut_over_attempts"]) == 1
    expected = {
        "mysql": ["-  `v` int NOT NULL,", "+  `v` bigint NOT NULL,"],
        "postgres": ["-    v integer NOT NULL,", "+    v bigint NOT NULL,"],
    }
    assert changes(data) == expected[place.server.kind]
    assert any("postponed" in event["text"] for event in data["events"])
    told = (tmp_path / "output").read_text()
    assert f"Report: {reports}/" in told


def test_after_a_failure(place: Place, tmp_path: Path) -> None:
    bad = {"mysql": "MODIFY v TINYINT", "postgres": "ALTER COLUMN v TYPE smallint USING (v * 10)::smallint"}
    finished = place.run(f"--alter={bad[place.server.kind]}", "--execute", f"--report={tmp_path}")
    assert finished.status != 0
    data = read(tmp_path)
    assert data["outcome"]["result"] == "failed"
    assert data["outcome"]["exit_code"] == finished.status
    assert data["outcome"]["message"] in " ".join(finished.errors.split("\n"))
    assert data["schema"]["before"].startswith("CREATE TABLE ")
    assert data["schema"]["after"] == ""


def test_after_a_signal(place: Place, tmp_path: Path) -> None:
    reports = tmp_path / "reports"
    reports.mkdir()
    with started(place, tmp_path, f"--report={reports}", *place.slowly) as run:
        until(lambda: re.search(r"^Copy: [1-9]", (tmp_path / "output").read_text(), re.MULTILINE), "the copy")
        run.send_signal(signal.SIGTERM)
        assert run.wait(120) == 143
    data = read(reports)
    assert data["outcome"]["result"] == "interrupted"
    assert "SIGTERM ended the run" in data["outcome"]["message"]
    assert 0 < data["figures"]["rows_copied"] < ROWS


def test_a_change_in_place_and_a_dry_run(place: Place, tmp_path: Path) -> None:
    simple = "--alter=ADD COLUMN w INT"
    for name, flags, result in (("dry", [], "dry run"), ("done", ["--execute", "--attempt-instant-ddl"], "changed")):
        (tmp_path / name).mkdir()
        finished = place.run(simple, f"--report={tmp_path}/{name}", *flags)
        assert finished.status == 0, finished.errors
        data = read(tmp_path / name)
        assert data["outcome"]["result"] == result
    assert data["figures"]["strategy"] == "instant"
    assert len(changes(data)) in (1, 3)  # PostgreSQL's last column has got a comma


def test_a_run_that_never_began(tmp_path: Path) -> None:
    finished = ghostpy(
        "migrate", "--url=mysql://root@127.0.0.1:1/d", "--table=t", "--alter=ADD c INT", f"--report={tmp_path}"
    )
    assert finished.status == 4
    data = read(tmp_path)
    assert data["outcome"]["error"] == "ConnectionFailed"
    assert data["timeline"] == []


def test_secrets_are_nowhere(
    mysql: sandbox.MySQLServer, new_database: Callable[[sandbox.Server], str], tmp_path: Path
) -> None:
    place = make_place(mysql, new_database, rows=10)
    user = f"u{os.getpid()}"
    with cursor_of(mysql) as cursor:
        cursor.execute(f"CREATE USER {user}@'127.0.0.1' IDENTIFIED BY '{SECRET}'")
        cursor.execute(f"GRANT ALL ON *.* TO {user}@'127.0.0.1'")
    try:
        hook = tmp_path / "gh-ost-on-startup"
        hook.write_text(f'#!/bin/sh\necho "{SECRET} and $GH_OST_HOOKS_HINT_TOKEN"\n')
        hook.chmod(0o755)
        written = tmp_path / "written"
        written.mkdir()
        flags = [
            f"--report={written}",
            f"--metrics-textfile={written}/m.prom",
            f"--log-file={written}/log",
            "--log-format=json",
        ]
        finished = ghostpy(
            *place.flags,
            "--execute",
            f"--hooks-path={tmp_path}",
            f"--user={user}",
            "--host=127.0.0.1",
            "--hooks-hint-token=t0ken-of-the-hooks",
            *flags,
            f"--url=mysql://{user}@127.0.0.1:{mysql.port}/{place.database}",
            environment={**os.environ, "GHOSTPY_PASSWORD": SECRET},
        )
    finally:
        with cursor_of(mysql) as cursor:
            cursor.execute(f"DROP USER {user}@'127.0.0.1'")
    assert finished.status == 0, finished.errors
    assert "*** and " in finished.errors
    texts = [finished.output, finished.errors, *(path.read_text() for path in written.iterdir())]
    assert len(texts) == 6
    assert not any(SECRET in text for text in texts)


@pytest.mark.soak
def test_the_page_in_a_browser(place: Place, tmp_path: Path) -> None:
    flags = ["--execute", f"--report={tmp_path}/r.html", f"--report={tmp_path}/r.json", *place.slowly]
    assert place.run(*flags).status == 0
    assert_well_shown(tmp_path / "r.html", tmp_path)
