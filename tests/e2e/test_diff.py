"""`ghostpy diff`, and `--desired` of plan and migrate, on real servers: what differs is found, made, and then there is nothing to do."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from migrating import Finished, cursor_of, ghostpy, url_of

from ghostpy import sandbox
from ghostpy.cli.main import main
from ghostpy.errors import SchemaDiffers

NewDatabase = Callable[[sandbox.Server], str]
DIFFERS = SchemaDiffers.exit_code

BEFORE = {
    "mysql": (
        "CREATE TABLE t (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, name VARCHAR(40) CHARACTER SET latin1 NULL, fax VARCHAR(20), "
        "amount INT NOT NULL, note TEXT, KEY by_amount (amount)) DEFAULT CHARSET=utf8mb4",
        "INSERT INTO t (name, fax, amount, note) VALUES ('Ada', '1', 10, 'x'), ('Grace', NULL, 20, NULL), (NULL, '3', 300, 'y')",
    ),
    "postgres": (
        "CREATE TABLE t (id serial PRIMARY KEY, name varchar(40), fax varchar(20), amount int NOT NULL, note text)",
        "CREATE INDEX by_amount ON t (amount)",
        "INSERT INTO t (name, fax, amount, note) VALUES ('Ada', '1', 10, 'x'), ('Grace', NULL, 20, NULL), (NULL, '3', 300, 'y')",
    ),
}
AFTER = {
    "mysql": """
        -- as it should be
        CREATE TABLE t (
          id BIGINT NOT NULL AUTO_INCREMENT,
          name CHARACTER VARYING(60) CHARACTER SET latin1 DEFAULT NULL COMMENT 'it''s; \\\\ --',
          amount BIGINT NOT NULL,
          remark TEXT,
          double_amount BIGINT AS (amount * 2) STORED,
          PRIMARY KEY (id), KEY by_amount (amount, id), UNIQUE by_name (name, id)
        ) DEFAULT CHARACTER SET utf8mb4 COMMENT='customers';
    """,
    "postgres": """
        -- as it should be
        CREATE TABLE public.t (
            id serial NOT NULL,
            name character varying(60),
            amount int8 NOT NULL CONSTRAINT positive CHECK (amount > 0),
            remark text,
            double_amount bigint GENERATED ALWAYS AS (id * 2) STORED
        );
        ALTER TABLE ONLY public.t ADD CONSTRAINT t_pkey PRIMARY KEY (id);
        CREATE INDEX by_amount ON public.t USING btree (amount, id);
        CREATE UNIQUE INDEX by_name ON t (name, id) WHERE amount > 5;
        COMMENT ON COLUMN public.t.name IS 'it''s; \\ --';
        COMMENT ON TABLE t IS 'customers';
    """,
}


@dataclass(frozen=True)
class Place:
    server: sandbox.Server
    database: str
    folder: Path
    captured: pytest.CaptureFixture[str]

    @property
    def kind(self) -> str:
        return "postgres" if self.server.kind == "postgres" else "mysql"

    def file(self, text: str, name: str = "schema.sql") -> str:
        path = self.folder / name
        path.write_text(text)
        return str(path)

    def arguments(self, command: str, text: str, *flags: str) -> list[str]:
        return [command, f"--url={url_of(self.server, self.database)}", f"--desired={self.file(text)}", *flags]

    def run(self, command: str, text: str, *flags: str) -> Finished:
        return ghostpy(*self.arguments(command, text, *flags))

    def look(self, command: str, text: str, *flags: str) -> Finished:
        """As `run`, in this process: a start takes longer than a look."""
        self.captured.readouterr()
        began = time.monotonic()
        status = main(self.arguments(command, text, *flags))
        told = self.captured.readouterr()
        return Finished(status, told.out, told.err, began, time.monotonic())

    def ask(self, *statements: str) -> list[tuple[object, ...]]:
        with cursor_of(self.server, self.database) as cursor:
            for statement in statements:
                cursor.execute(statement)
            rows = list(cursor.fetchall()) if cursor.description else []
            cursor.execute("COMMIT")
            return rows

    def things(self) -> list[tuple[object, ...]]:
        """Tables and schemas, all that a call could leave."""
        found = self.ask(
            "SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema NOT IN "
            "('mysql', 'sys', 'performance_schema', 'information_schema', 'pg_catalog') ORDER BY 1, 2"
        )
        if self.kind == "postgres":
            found += self.ask("SELECT nspname, '' FROM pg_namespace WHERE nspname NOT LIKE 'pg\\_%' ORDER BY 1")
        return found


@pytest.fixture(params=["mysql", "mariadb", "postgres"])
def place(
    request: pytest.FixtureRequest, new_database: NewDatabase, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Place:
    server: sandbox.Server = request.getfixturevalue(request.param)
    found = Place(server, new_database(server), tmp_path, capsys)
    found.ask(*BEFORE[found.kind])
    return found


RENAME = "--rename-column=note=remark"


def test_found_planned_made_and_then_nothing_is_left_to_do(place: Place) -> None:
    after, things = AFTER[place.kind], place.things()
    found = place.run("diff", after, RENAME)
    assert found.status == DIFFERS, found.errors
    assert "LOSS OF DATA: the values of the column fax" in found.output
    assert "LOOKS LIKE A RENAME" not in found.output
    assert all(word in found.output for word in ("remark", "by_name", "customers"))
    assert place.things() == things
    planned = place.look("plan", after, RENAME, "--format=json")
    assert planned.status == 0, planned.errors
    plan = json.loads(planned.output)
    assert plan["possible"]
    assert "remark" in plan["alter"]
    assert [column["name"] for column in plan["columns"]["dropped"]] == ["fax"]
    assert place.things() == things
    made = place.run("migrate", after, RENAME, "--execute", "--ok-to-drop-table")
    assert made.status == 0, made.errors
    assert place.things() == things
    assert place.ask("SELECT id, name, amount, remark, double_amount FROM t ORDER BY id") == [
        (row, name, amount, note, 2 * (row if place.kind == "postgres" else amount))
        for row, (name, amount, note) in enumerate((("Ada", 10, "x"), ("Grace", 20, None), (None, 300, "y")), start=1)
    ]
    again = place.look("diff", after, RENAME)
    assert again.status == 0, again.output + again.errors
    assert "nothing to do" in again.output
    done = place.run("migrate", after, RENAME, "--execute")
    assert done.status == 0, done.errors
    assert json.loads(place.look("plan", after, RENAME, "--format=json").output)["strategy"] == "nothing to do"
    assert place.things() == things


def test_the_output_is_sql_that_the_server_takes(place: Place) -> None:
    found = place.look("diff", AFTER[place.kind], RENAME)
    lines = [line for line in found.output.splitlines() if not line.startswith("--")]
    for statement in "\n".join(lines).rstrip(";\n").split(";\n"):
        place.ask(statement)
    assert place.look("diff", AFTER[place.kind], RENAME).status == 0


def test_as_data(place: Place) -> None:
    found = place.look("diff", AFTER[place.kind], "--format=json")
    assert found.status == DIFFERS, found.errors
    told = json.loads(found.output)
    assert (told["equal"], told["dialect"], told["table"].split(".")[-1]) == (False, place.kind, "t")
    assert {each["name"] for each in told["changes"] if each["loses_values"]} == {"fax", "note"}
    # Without the flag, a rename is no more than a suspicion.
    assert told["looks_renamed"] == [{"from": "note", "to": "remark"}]
    assert "ADD" in told["alter"]
    warned = place.look("plan", AFTER[place.kind])
    assert warned.status == 0, warned.errors
    assert "--rename-column note=remark" in " ".join(warned.errors.split())


def test_what_the_server_itself_describes_is_no_difference(place: Place) -> None:
    if place.kind == "postgres":
        text = "CREATE TABLE t (id serial PRIMARY KEY, name character varying(40) NULL DEFAULT NULL, fax varchar(20), "
        text += 'amount int4 NOT NULL, note text COLLATE "default"); CREATE INDEX by_amount ON public.t (amount ASC NULLS LAST)'
    else:
        text = str(place.ask("SHOW CREATE TABLE t")[0][1])
        assert "AUTO_INCREMENT=" in text
    found = place.look("diff", text)
    assert found.status == 0, found.output + found.errors


@contextmanager
def _started(arguments: list[str]) -> Iterator[subprocess.Popen[str]]:
    """A call, ended with the block at the latest."""
    command = [sys.executable, "-m", "ghostpy", *arguments]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def _ended_while_it_waits(place: Place, number: signal.Signals, command: str, *flags: str) -> int:
    """End a call that waits for somebody who holds the table, its desired table being made on MySQL; its exit code."""
    postgres = place.kind == "postgres"
    waits = (
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name = 'ghostpy diff'"
        if postgres
        else "SELECT COUNT(*) FROM information_schema.tables WHERE table_name LIKE '\\_ghostpy\\_desired%'"
    )
    with cursor_of(place.server, place.database) as cursor:
        for statement in ("BEGIN", "LOCK TABLE t IN ACCESS EXCLUSIVE MODE") if postgres else ("LOCK TABLES t WRITE",):
            cursor.execute(statement)
        with _started(place.arguments(command, AFTER[place.kind], *flags)) as process:
            _until(lambda: place.ask(waits)[0][0], "a call that waits", process)
            process.send_signal(number)
            _, told = process.communicate(timeout=60)
    assert "Traceback" not in told
    return process.returncode


def _until(true: Callable[[], object], what: str, process: subprocess.Popen[str] | None = None) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert process is None or process.poll() is None, f"ended before there was {what}"
        assert time.monotonic() < deadline, f"in vain: {what}"
        time.sleep(0.05)


TWO_SERVERS = pytest.mark.parametrize(
    "place", ["mysql", "postgres", pytest.param("mariadb", marks=pytest.mark.soak)], indirect=True
)
CALLS = pytest.mark.parametrize("call", [("diff",), ("migrate", "--execute", "--ok-to-drop-table")], ids=" ".join)


@TWO_SERVERS
@CALLS
def test_what_a_kill_leaves_is_known_to_be_left(place: Place, call: tuple[str, ...]) -> None:
    things = place.things()
    assert _ended_while_it_waits(place, signal.SIGKILL, *call) == -signal.SIGKILL
    if place.kind == "postgres":  # all of it happens in one transaction, which nobody sees
        assert place.things() == things
        return
    assert len(place.things()) > len(things)
    url = f"--url={url_of(place.server, place.database)}"
    deadline = time.monotonic() + 60  # the server takes its time to notice
    while "left by a dead run" not in (shown := ghostpy("cleanup", url).output):
        assert time.monotonic() < deadline, shown
    assert "desired table" in shown
    assert ghostpy("cleanup", url, "--execute").status == 0
    assert place.things() == things


@TWO_SERVERS
@CALLS
def test_ctrl_c_leaves_nothing(place: Place, call: tuple[str, ...]) -> None:
    things = place.things()
    assert _ended_while_it_waits(place, signal.SIGINT, *call) == 128 + signal.SIGINT
    assert place.things() == things


@TWO_SERVERS
@pytest.mark.parametrize("number", [signal.SIGKILL, pytest.param(signal.SIGINT, marks=pytest.mark.soak)])
def test_a_run_that_ended_is_gone_on_with(place: Place, number: signal.Signals) -> None:
    after, things, flag = AFTER[place.kind], place.things(), place.folder / "postponed"
    call = ("migrate", after, RENAME, "--execute", "--ok-to-drop-table")
    checkpoint = (
        "SELECT count(*) FROM _public_t_gho._ghostpy_ledger WHERE id = 'checkpoint' AND value::text LIKE '%compared%'"
        if place.kind == "postgres"
        else "SELECT COUNT(*) FROM _t_ghc WHERE id = 'checkpoint' AND text LIKE '%compared%'"
    )

    ledger = "_ghostpy_ledger" if place.kind == "postgres" else "_t_ghc"

    def compared() -> bool:
        return any(ledger in thing for thing in place.things()) and bool(place.ask(checkpoint)[0][0])

    with _started(place.arguments(*call, f"--postpone-cut-over-flag-file={flag}", "--checkpoint-seconds=1")) as process:
        _until(compared, "a checkpoint after the comparison", process)
        process.send_signal(number)
        process.communicate(timeout=60)
    # What the run has made is no part of the table, and the same ALTER is found again.
    found = place.look("diff", after, RENAME)
    assert found.status == DIFFERS, found.errors
    done = place.run(*call)
    assert done.status == 0, done.errors
    assert "going on with the work of an earlier run" in done.errors
    assert place.things() == things
    assert place.look("diff", after, RENAME).status == 0


@TWO_SERVERS
def test_killed_behind_the_exchange_the_same_call_cleans_up(place: Place) -> None:
    """There is nothing to do for it any more but to remove what the killed one has left."""
    things, after = place.things(), AFTER[place.kind]
    flags = [RENAME, "--execute", "--ok-to-drop-table"]
    flags += ["--strategy=shadow"] if place.kind == "postgres" else []
    named = "SELECT COUNT(*) FROM information_schema.columns WHERE table_name = 't' AND column_name = 'remark'"
    named += " AND table_schema = " + ("'public'" if place.kind == "postgres" else f"'{place.database}'")
    # The clean-up takes some hundredths of a second: whoever connected anew for each look could miss it.
    with (
        cursor_of(place.server, place.database) as cursor,
        _started(place.arguments("migrate", after, *flags)) as process,
    ):
        deadline, exchanged = time.monotonic() + 60, False
        while not exchanged:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            cursor.execute(named)
            exchanged = bool(cursor.fetchall()[0][0])
            cursor.execute("COMMIT")
        process.kill()
    left = place.things()
    again = place.run("migrate", after, *flags)
    assert again.status == 0, again.output + again.errors
    assert left != things
    assert place.things() == things
    assert place.look("diff", after, RENAME).status == 0
