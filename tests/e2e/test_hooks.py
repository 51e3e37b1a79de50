"""A hook directory as people have it for gh-ost, beside real runs: what is run when, what it is told, and what its failure does."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from migrating import Finished, cursor_of, ghostpy, url_of
from running import make_table, running
from waiting import until

from ghostpy import sandbox

# In the manner of gh-ost's samples: plain bash, variables, no arguments, output for the operator.
NOTES = """#!/bin/bash
# one script under every name
me=$(basename "$0")
echo "$(date +%s) ${me#gh-ost-on-} for $GH_OST_DATABASE_NAME.$GH_OST_TABLE_NAME on $GH_OST_MIGRATED_HOST"
echo "${me#gh-ost-on-}|$GH_OST_TABLE_NAME|$GH_OST_GHOST_TABLE_NAME|$GH_OST_OLD_TABLE_NAME|$GH_OST_COPIED_ROWS|$GH_OST_DRY_RUN|$GH_OST_INSTANT_DDL" \
    >> "$(dirname "$0")/notes"
"""
EVERY = [
    "startup",
    "validated",
    "rowcount-complete",
    "before-row-copy",
    "batch-copy-retry",
    "status",
    "interactive-command",
    "row-copy-complete",
    "before-cut-over",
    "begin-postponed",
    "stop-replication",
    "start-replication",
    "success",
    "failure",
]
RUN = ["startup", "validated", "before-row-copy", "row-copy-complete", "before-cut-over", "success"]
"""Beside them the status is told, at its own times."""
ROWS = 300


@pytest.fixture(params=["mysql", "postgres"])
def server(request: pytest.FixtureRequest) -> sandbox.Server:
    found: sandbox.Server = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def place(server: sandbox.Server, new_database: object) -> tuple[sandbox.Server, str]:
    """A server, and a database there with a table `t`."""
    database = new_database(server)  # type: ignore[operator]
    with cursor_of(server, database) as cursor:
        cursor.execute("CREATE TABLE t (id INT PRIMARY KEY, v INT NOT NULL)")
        cursor.execute(f"INSERT INTO t VALUES {', '.join(f'({n}, {n})' for n in range(ROWS))}")
        if server.kind == "mysql":
            cursor.execute("COMMIT")
        else:
            cursor.connection.commit()
    return server, database


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A directory with a script under every name that gh-ost knows."""
    found = tmp_path / "hooks"
    found.mkdir()
    for name in EVERY:
        script(found, name, NOTES)
    return found


def script(folder: Path, name: str, text: str) -> None:
    path = folder / f"gh-ost-on-{name}"
    path.write_text(text)
    path.chmod(0o755)


def change(place: tuple[sandbox.Server, str], folder: Path, *flags: str, alter: str = "") -> Finished:
    server, database = place
    rewrite = {"mysql": "MODIFY v BIGINT NOT NULL", "postgres": "ALTER COLUMN v TYPE bigint"}[server.kind]
    arguments = [
        f"--url={url_of(server, database)}",
        "--table=t",
        f"--alter={alter or rewrite}",
        f"--hooks-path={folder}",
    ]
    return ghostpy("migrate", *arguments, *flags)


def notes(folder: Path) -> Sequence[Sequence[str]]:
    """What the scripts have written down: name, table, shadow, old table, copied rows, dry run?, instant?"""
    return [line.split("|") for line in (folder / "notes").read_text().splitlines()]


def told_of(folder: Path) -> list[str]:
    return [note[0] for note in notes(folder)]


def steps(folder: Path) -> list[str]:
    """What was told, but for the status, whose times are its own."""
    return [each for each in told_of(folder) if each != "status"]


def type_of_v(place: tuple[sandbox.Server, str]) -> str:
    server, database = place
    with cursor_of(server, database) as cursor:
        cursor.execute("SELECT data_type FROM information_schema.columns WHERE table_name = 't' AND column_name = 'v'")
        return str(cursor.fetchone()[0])


def helpers(place: tuple[sandbox.Server, str]) -> int:
    """How many tables there are beside `t`."""
    server, database = place
    schemas = f"= '{database}'" if server.kind == "mysql" else "NOT IN ('pg_catalog', 'information_schema')"
    with cursor_of(server, database) as cursor:
        cursor.execute(
            f"SELECT count(*) FROM information_schema.tables WHERE table_schema {schemas} AND table_name <> 't'"
        )
        beside = int(cursor.fetchone()[0])
        cursor.execute(
            "SELECT count(*) FROM information_schema.tables WHERE table_name = 't' "
            f"AND table_schema {schemas} AND table_schema LIKE '\\_%'"
        )
        return beside + int(cursor.fetchone()[0])


def test_a_run_with_every_hook(place: tuple[sandbox.Server, str], folder: Path) -> None:
    finished = change(place, folder, "--execute", "--hooks-hint=h")
    assert finished.status == 0, finished.errors
    assert steps(folder) == RUN
    assert "status" in told_of(folder)
    names = {"mysql": ["t", "_t_gho", "_t_del"], "postgres": ["t", "_public_t_gho.t", "_public_t_del.t"]}[place[0].kind]
    assert all(note[1:4] == names for note in notes(folder))
    assert {note[5] for note in notes(folder)} == {"false"}
    # That of the status runs beside the others, and may be done after them.
    in_turn = [note for note in notes(folder) if note[0] != "status"]
    assert [note[4] for note in in_turn][-3:] == [str(ROWS)] * 3
    assert [note[6] for note in in_turn] == [""] * 5 + ["false"]
    # What the scripts print is on stderr, whatever the level of the log.
    for name in RUN:
        assert f"gh-ost-on-{name}: " in finished.errors
    assert f"for {place[1]}.t on 127.0.0.1" in finished.errors


def test_a_dry_run_and_an_instant_change(place: tuple[sandbox.Server, str], folder: Path) -> None:
    assert change(place, folder).status == 0
    assert told_of(folder) == ["startup", "validated", "success"]
    assert {note[5] for note in notes(folder)} == {"true"}
    (folder / "notes").unlink()
    finished = change(place, folder, "--execute", "--attempt-instant-ddl", alter="ADD COLUMN w INT")
    assert finished.status == 0, finished.errors
    assert told_of(folder) == ["startup", "validated", "success"]
    assert notes(folder)[-1][6] == "true"


def test_the_count_of_rows(place: tuple[sandbox.Server, str], folder: Path) -> None:
    script(folder, "rowcount-complete", NOTES + "exit 1\n")
    finished = change(place, folder, "--execute", "--exact-rowcount")
    assert finished.status == 0, finished.errors
    assert steps(folder) == [*RUN[:2], "rowcount-complete", *RUN[2:]]
    assert "ended with exit status 1; the run goes on" in finished.errors
    assert notes(folder)[2][4] == "0"


@pytest.mark.parametrize("name", ["startup", "validated", "before-row-copy", "row-copy-complete", "before-cut-over"])
def test_a_failure_ends_the_run_and_nothing_is_left(place: tuple[sandbox.Server, str], folder: Path, name: str) -> None:
    script(folder, name, NOTES + "echo 'not today' >&2; exit 9\n")
    script(folder, f"{name}-z", NOTES)
    before = type_of_v(place)
    finished = change(place, folder, "--execute")
    assert finished.status == 16
    assert f"gh-ost-on-{name}: not today" in finished.errors
    assert f"gh-ost-on-{name} ended with exit status 9" in finished.errors
    assert "was not changed" in finished.errors or "Nothing was changed" in finished.errors
    assert steps(folder) == [*RUN[: RUN.index(name) + 1], "failure"]
    assert type_of_v(place) == before
    assert helpers(place) == 0


def test_a_failure_after_the_end_undoes_nothing(place: tuple[sandbox.Server, str], folder: Path) -> None:
    script(folder, "success", NOTES + "exit 1\n")
    finished = change(place, folder, "--execute", "--ok-to-drop-table")
    assert finished.status == 16
    assert "has its new schema, and nothing was undone" in finished.errors
    assert "not changed" not in finished.errors
    assert told_of(folder)[-2:] == ["success", "failure"]
    assert (type_of_v(place), helpers(place)) == ("bigint", 0)


def test_failures_that_are_only_logged(place: tuple[sandbox.Server, str], folder: Path) -> None:
    script(folder, "status", NOTES + "exit 1\n")
    script(folder, "failure", NOTES + "exit 1\n")
    script(folder, "row-copy-complete", "#!/bin/sh\nexit 4\n")
    finished = change(place, folder, "--execute")
    assert finished.status == 16
    assert "gh-ost-on-row-copy-complete ended with exit status 4" in finished.errors
    assert "gh-ost-on-failure ended with exit status 1; the run goes on" in finished.errors


def test_a_hook_that_hangs_is_killed_and_counts_as_failed(place: tuple[sandbox.Server, str], folder: Path) -> None:
    script(folder, "before-cut-over", "#!/bin/bash\necho waiting\nsleep 600\n")
    finished = change(place, folder, "--execute", "--hooks-timeout=1")
    assert finished.status == 16
    assert "did not end within 1 s and was killed" in finished.errors
    assert helpers(place) == 0


def test_a_postponed_cut_over_whose_hook_fails_is_tried_again(
    place: tuple[sandbox.Server, str], folder: Path, tmp_path: Path
) -> None:
    flag = tmp_path / "postpone"
    script(
        folder, "begin-postponed", NOTES + f"[ $(grep -c begin-postponed {folder}/notes) -gt 1 ] && rm {flag}; exit 1\n"
    )
    finished = change(place, folder, "--execute", f"--postpone-cut-over-flag-file={flag}")
    assert finished.status == 0, finished.errors
    assert told_of(folder).count("begin-postponed") == 2
    assert told_of(folder).count("before-cut-over") == 1
    assert "cut-over attempt 0 of" not in finished.errors
    assert type_of_v(place) == "bigint"


def test_a_chunk_that_meets_a_lock_tells_of_it(mysql: sandbox.MySQLServer, database: str, folder: Path) -> None:
    """The lock is given up by the hook: so there is exactly one failed attempt at least, and none where nobody looked."""
    with cursor_of(mysql, database) as cursor, cursor_of(mysql, database) as other:
        cursor.execute("CREATE TABLE t (id INT PRIMARY KEY, v INT NOT NULL)")
        cursor.execute("INSERT INTO t VALUES (1, 1), (2, 2)")
        cursor.execute("COMMIT")
        other.execute("SELECT CONNECTION_ID()")
        holder = other.fetchone()[0]
        # Its lock in the shadow is in the way of the first chunk, until a hook has ended it.
        give_up = f"mysql_kill() {{ {mysql_client(mysql)} 'KILL {holder}'; }}\n"
        script(
            folder, "before-row-copy", NOTES + f"touch {folder}/go; until [ -e {folder}/held ]; do sleep 0.05; done\n"
        )
        script(
            folder,
            "batch-copy-retry",
            f'{NOTES}echo "$GH_OST_LAST_BATCH_COPY_ERROR" > {folder}/why\n{give_up}mysql_kill\n',
        )
        cursor.execute("SET GLOBAL innodb_lock_wait_timeout = 1")
        try:
            outcome: list[Finished] = []
            run = threading.Thread(target=lambda: outcome.append(change((mysql, database), folder, "--execute")))
            run.start()
            until((folder / "go").exists, "the copy to begin")
            other.execute("BEGIN")
            other.execute("INSERT INTO _t_gho (id, v) VALUES (1, 1)")
            (folder / "held").touch()
            run.join()
        finally:
            cursor.execute("SET GLOBAL innodb_lock_wait_timeout = DEFAULT")
    assert outcome[0].status == 0, outcome[0].errors
    assert told_of(folder).count("batch-copy-retry") >= 1
    assert "Lock wait timeout exceeded" in (folder / "why").read_text()


def mysql_client(server: sandbox.MySQLServer) -> str:
    """A command that runs the SQL which follows it."""
    place = f"host='{server.host}', port={server.port}, user='{server.user}'"
    program = f"import pymysql, sys; pymysql.connect({place}).cursor().execute(sys.argv[1])"
    return f'{sys.executable} -c "{program}"'


def test_the_run_goes_on_beside_a_slow_status_hook(
    postgres: sandbox.PostgresServer, new_database: object, folder: Path, tmp_path: Path
) -> None:
    database = new_database(postgres)  # type: ignore[operator]
    make_table(postgres, database)
    script(folder, "status", f"#!/bin/bash\ntouch {tmp_path}/begun\nsleep 600\n")
    with running(postgres, database, tmp_path, f"--hooks-path={folder}") as run:
        finished = run.ended()
    assert (tmp_path / "begun").exists()
    assert finished.status == 0, finished.errors
    assert told_of(folder)[-1] == "success"


def test_a_signal_ends_the_hook_and_tells_of_the_failure(
    postgres: sandbox.PostgresServer, new_database: object, folder: Path, tmp_path: Path
) -> None:
    database = new_database(postgres)  # type: ignore[operator]
    make_table(postgres, database)
    script(folder, "before-cut-over", f"#!/bin/bash\ntouch {tmp_path}/waiting\nsleep 600\n")
    with running(postgres, database, tmp_path, f"--hooks-path={folder}") as run:
        until((tmp_path / "waiting").exists, "the hook")
        finished = run.ended(signal.SIGTERM)
    assert finished.status == 143
    assert told_of(folder)[-1] == "failure"


def test_a_folder_that_is_not_there_is_refused_at_once(tmp_path: Path) -> None:
    finished = ghostpy(
        "migrate", "--url=mysql://root@127.0.0.1:1/d", "--table=t", "--alter=ADD c INT", f"--hooks-path={tmp_path}/none"
    )
    assert finished.status == 2
    assert "--hooks-path" in finished.errors
