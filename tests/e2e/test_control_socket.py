"""A run is steered over its socket, by operators and by clients that behave badly: the answers are right, and the run is undisturbed."""

from __future__ import annotations

import json
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import program
import pytest
from migrating import Finished, cursor_of, ghostpy, url_of
from under_load import PGBENCH, SYSBENCH, Change, assert_followed, course_of

from ghostpy import sandbox
from ghostpy.control.places import default_place, is_alive
from ghostpy.sandbox.filling import fill
from ghostpy.sandbox.load import Load
from ghostpy.sandbox.writers import Writers

NewDatabase = Callable[[sandbox.Server], str]
_ROWS = 20_000
_WITHIN = 60.0
_TOKEN = "t0ken-of-the-operators"
_STATUS = r"Copy: \d+/\d+ "
_HINTS = r"# Migrating .*\n(#.*\n)*" + _STATUS

SESSION = [
    ("help", r"status.*\n(.*\n)*.*chunk-size"),
    ("status", _HINTS),
    ("info", _HINTS),
    ("sup", "^" + _STATUS),
    ("status json", r'^\{.*"rows_copied": \d+'),
    ("eta", r"^(N/A|due|\d)"),
    ("explain", r"^[A-Z].*\.$"),
    ("coordinates", r"\S"),
    ("coordinates=?", r"\S"),
    ("coordinates=7", "^coordinates are read-only$"),
    ("applier", r"^Host: 127\.0\.0\.1:\d+, Version: \d+"),
    ("inspector", r"^Host: 127\.0\.0\.1:\d+, Version: \d+"),
    ("chunk-size=?", "^100$"),
    ("chunk-size=150", _HINTS),
    ("chunk-size=?", "^150$"),
    ("chunk-size 200", _HINTS),
    ("chunk-size = ?", "^200$"),
    ("chunk-size=-5", _HINTS),
    ("chunk-size=?", "^10$"),
    ("chunk-size=100", _HINTS),
    ("chunk-size=a lot", "is not a whole number"),
    ("dml-batch-size=50", _HINTS),
    ("dml-batch-size=?", "^50$"),
    ("workers=2", _HINTS),
    ("workers=?", "^2$"),
    ("workers=1", _HINTS),
    ("nice-ratio=0.25", _HINTS),
    ("nice-ratio=?", r"^0\.25$"),
    ("nice-ratio=5", _HINTS),
    ("max-impact=?", "^100$"),
    ("max-impact=12.5", _HINTS),
    ("max-impact=?", r"^12\.5$"),
    ("max-impact=little", "is not a number"),
    ("max-lag-millis=2000", _HINTS),
    ("max-lag-millis=?", "^2000$"),
    ("max-load=no_such_figure", "is not figure=threshold"),
    ("max-load=", _HINTS),
    ("critical-load=?", "^$"),
    ("throttle-query=SELECT 0 = 1", "# Note: you may only throttle"),
    ("throttle-query=?", "^SELECT 0 = 1$"),
    ("throttle-query=", "# Note: you may only throttle"),
    ("window=?", "^$"),
    ("window=whenever", r"\bwhenever\b"),
    ("throttle=another_table", "but migrated table is"),
    ("replication-lag-query=SELECT 1", "deprecated"),
    ("unpostpone", "You may only invoke this when gh-ost is actively postponing"),
    ("make-me-a-sandwich", "^unknown command: make-me-a-sandwich$"),
    ("DROP TABLE t; --", "^unknown command: DROP$"),
    ("", "^no command; try help$"),
    ("=", "^no command; try help$"),
    ("x" * 60_000, "^unknown command: x{100}$"),
]
"""What is said, and what the answer must look like."""


@dataclass(frozen=True)
class Steered:
    """A run under way on a table that is written to, and its socket."""

    server: sandbox.Server
    database: str
    change: Change
    path: Path
    flag: Path
    folder: Path
    process: program.Program

    def send(self, data: bytes) -> bytes:
        """Send bytes, and return the whole answer."""
        with _connected(self.path) as client:
            try:
                client.sendall(data)
                client.shutdown(socket.SHUT_WR)
            except (BrokenPipeError, ConnectionResetError):
                pass  # what is too long is not read to its end
            answer = b""
            while piece := client.recv(65_536):
                answer += piece
            return answer

    def say(self, line: str) -> str:
        return self.send(f"{line}\n".encode()).decode()

    def say_by_netcat(self, line: str) -> str:
        """As an operator does it from a shell."""
        done = subprocess.run(
            ["nc", "-U", str(self.path)], input=f"{line}\n", capture_output=True, text=True, timeout=30, check=True
        )
        return done.stdout

    def figures(self) -> dict[str, object]:
        return dict(json.loads(self.say("status json")))

    def told(self) -> str:
        return (self.folder / "errors").read_text() + (self.folder / "output").read_text()

    def control(self, *arguments: str) -> Finished:
        return ghostpy("control", *arguments)

    def ended(self) -> Finished:
        began = time.monotonic()
        status = self.process.wait(_WITHIN * 2)
        output, errors = (self.folder / "output").read_text(), (self.folder / "errors").read_text()
        return Finished(status, output, errors, began, time.monotonic())

    def until(self, true: Callable[[], object], what: str) -> None:
        deadline = time.monotonic() + _WITHIN
        while not true():
            assert self.process.poll() is None, self.told()
            assert time.monotonic() < deadline, f"in vain: {what}\n{self.told()}"
            time.sleep(0.05)


def _connected(path: Path) -> socket.socket:
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.settimeout(30)
    try:
        client.connect(str(path))
    except BaseException:
        client.close()
        raise
    return client


def _filled(server: sandbox.Server, new_database: NewDatabase) -> tuple[str, Change]:
    database, change = new_database(server), PGBENCH if server.kind == "postgres" else SYSBENCH
    with cursor_of(server, database) as cursor:
        fill(cursor, change.shape, change.table, _ROWS)
    return database, change


@contextmanager
def steered(
    server: sandbox.Server, database: str, change: Change, folder: Path, *flags: str, chosen: bool = True
) -> Iterator[Steered]:
    """A run that rests five times as long as it copies, from its beginning to its end or to that of the block."""
    flag = folder / "postponed"
    path = folder / "s.sock" if chosen else default_place(database, change.table)
    call = [
        *("migrate", f"--url={url_of(server, database)}", f"--table={change.table}", f"--alter={change.alter}"),
        *(
            "--execute",
            "--verbose",
            "--display=lines",
            f"--postpone-cut-over-flag-file={flag}",
            "--checkpoint-seconds=1",
        ),
        *("--chunk-size=100", "--workers=1", "--nice-ratio=5", *([f"--serve-socket-file={path}"] if chosen else [])),
    ]
    with (folder / "output").open("wb") as output, (folder / "errors").open("wb") as errors:
        process = program.start(*call, *flags, output=output, errors=errors)
    run = Steered(server, database, change, path, flag, folder, process)
    try:
        run.until(lambda: is_alive(path) and run.figures()["rows_copied"], "the socket, and rows copied")
        yield run
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(_WITHIN)


@pytest.fixture(params=["mysql", "postgres"])
def server(request: pytest.FixtureRequest) -> sandbox.Server:
    found: sandbox.Server = request.getfixturevalue(request.param)
    return found


def _load(server: sandbox.Server, database: str, change: Change) -> Load:
    return Load(
        server.host, server.port, database, change.table, _ROWS, user=server.user, rate=200, seed=4, shape=change.shape
    )


def test_a_session_of_many_commands(server: sandbox.Server, new_database: NewDatabase, tmp_path: Path) -> None:
    database, change = _filled(server, new_database)
    (tmp_path / "token").write_text(f"{_TOKEN}\n")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    tcp = (f"--serve-tcp-port={port}", f"--serve-tcp-token-file={tmp_path / 'token'}")
    with (
        Writers(_load(server, database, change)) as writers,
        steered(server, database, change, tmp_path, "--nice-ratio=20", *tcp) as run,
    ):
        assert "begins with token=" in _over_tcp(port, "sup")
        assert re.match(_STATUS, _over_tcp(port, f"token={_TOKEN} sup"))
        assert run.path.stat().st_mode & 0o777 == 0o600
        say = run.say_by_netcat if shutil.which("nc") else run.say
        for line, pattern in SESSION:
            answer = say(line)
            assert re.search(pattern, answer.removesuffix("\n")), f"{line[:80]!r} was answered {answer!r}"
            assert answer.endswith("\n")
        _misbehave(run)
        _rest_and_go_on(run)
        run.say("nice-ratio=0")
        run.until(lambda: "State: postponing cut-over" in run.say("sup"), "the postponed phase")
        assert "The cut-over waits until" in run.say("explain")
        assert run.say(f"cut-over={change.table}").startswith("Unpostponed\n")
        finished = run.ended()
        time.sleep(0.5)
        committed = writers.stop()
    assert finished.status == 0, finished.errors
    assert not run.path.exists()
    assert "Traceback" not in finished.errors
    assert "operator: chunk-size=150" in finished.errors
    assert _TOKEN not in finished.errors + finished.output
    with cursor_of(server, database) as cursor:
        assert_followed(cursor, change, committed, finished)


def test_the_pace_goes_by_what_the_application_feels(
    server: sandbox.Server, new_database: NewDatabase, tmp_path: Path
) -> None:
    database, change = _filled(server, new_database)
    gently = ("--nice-ratio=0", "--chunk-size=10", "--max-impact=0.01")
    with (
        Writers(_load(server, database, change)) as writers,
        steered(server, database, change, tmp_path, *gently) as run,
    ):
        run.until(lambda: run.figures()["commit_at_work"], "commits to be measured")
        figures = run.figures()
        assert 0 < float(str(figures["work_share"])) < 1
        assert float(str(figures["commit_at_rest"])) > 0
        assert float(str(figures["impact"])) >= 0
        assert "to spare the application: a commit takes" in run.say("explain")
        run.say("max-impact=0")
        run.until(lambda: run.figures()["work_share"] == 1, "no rest to be taken any more")
        assert "to spare the application" not in run.say("explain")
        assert run.figures()["commit_at_work"] is None
        run.until(lambda: "State: postponing cut-over" in run.say("sup"), "the postponed phase")
        run.say("cut-over")
        finished = run.ended()
        time.sleep(0.5)
        committed = writers.stop()
    assert finished.status == 0, finished.errors
    with cursor_of(server, database) as cursor:
        assert_followed(cursor, change, committed, finished)


def _over_tcp(port: int, line: str) -> str:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as client, client.makefile("rw") as both:
        both.write(f"{line}\n")
        both.flush()
        return both.read()


def _misbehave(run: Steered) -> None:
    """Binary, 10 MB on one line, clients that never read, never write or leave; and 200 clients who only ask, at once."""
    before = int(str(run.figures()["rows_copied"]))
    with ExitStack() as crowd:
        for data in (b"", b"status", b"help\n", b"status json\n" * 50):
            for _ in range(5):
                crowd.enter_context(_connected(run.path)).sendall(data)
        assert b"UTF-8" in run.send(b"\xff\xfe\x80\n")
        assert b"printable" in run.send(b"chunk-size\x00=\x1b[2J\n")
        assert b"bytes at most" in run.send(b"A" * 10_000_000)
        assert b"bytes at most" in run.send(b"chunk-size=" + b"9" * 10_000_000 + b"\n")
        assert re.fullmatch(rb"100\n", run.send(b"chunk-size=?"))  # without a newline
        for _ in range(20):
            with _connected(run.path) as gone:
                gone.sendall(b"status\n")
        with ThreadPoolExecutor(200) as askers:
            answers = list(askers.map(lambda _: run.say("sup"), range(200)))
        wrong = [answer for answer in answers if not re.match(_STATUS, answer)]
        assert wrong == []
        run.until(lambda: int(str(run.figures()["rows_copied"])) > before, "more rows, with the crowd still there")


def _rest_and_go_on(run: Steered) -> None:
    assert "# Note: you may only throttle" in run.say("throttle")
    run.until(lambda: "throttled, commanded by user" in run.say("sup"), "the rest")
    assert "It rests: commanded by user" in run.say("explain")
    time.sleep(0.5)  # a chunk under way is finished
    before = run.figures()["rows_copied"]
    time.sleep(0.7)
    assert run.figures()["rows_copied"] == before
    run.say(f"resume={run.change.table}")
    run.until(lambda: "throttled" not in run.say("sup"), "the end of the rest")


def test_a_run_is_found_by_itself(server: sandbox.Server, new_database: NewDatabase, tmp_path: Path) -> None:
    database, change = _filled(server, new_database)
    with steered(server, database, change, tmp_path, "--nice-ratio=30", chosen=False) as run:
        place = ["--url", url_of(server, database), "--table", change.table]
        assert run.control(*place, "chunk-size=?").output == "100\n"
        assert run.control(f"--database={database}", "chunk-size", "300").status == 0
        assert run.control(f"--socket={run.path}", "chunk-size=?").output == "300\n"
        other = url_of(server, database).replace(f":{server.port}/", f":{server.port - 1}/")
        assert run.control("--url", other, "--table", change.table, "status").status == 2
        stranger = run.control("--table=nobody_changes_this", "status")
        assert (stranger.status, stranger.output) == (2, "")
        assert "There is no run of nobody_changes_this under way" in stranger.errors
        seen = {each["socket"]: each for each in json.loads(ghostpy("list", "--json").output)}
        assert seen[str(run.path)]["alive"]
        assert seen[str(run.path)]["rows_copied"] > 0
        for command in (["list"], ["top", "--once"]):
            shown = ghostpy(*command)
            assert shown.status == 0, shown.errors
            assert re.search(rf"{change.table} .*(copying|resting)", shown.output), shown.output
        run.until(lambda: course_of(server, database).get("rows_copied"), "a checkpoint")
        run.process.kill()
        run.process.wait()
        # What is dead is in nobody's way: it is shown as that, and the next run takes its place.
        listed = ghostpy("list").output
        assert re.search(rf"gh-ost\.{database}\.{change.table}|{change.table}", listed)
        assert "dead" in listed
    with steered(server, database, change, tmp_path, "--nice-ratio=30", chosen=False) as again:
        assert "going on with the work of an earlier run" in again.told()
        assert again.say("abort").startswith("Aborting")
        assert again.ended().status == 15


@pytest.mark.parametrize(("word", "status", "kept"), [("stop", 14, True), ("abort", 15, False), ("panic", 13, True)])
def test_ended_by_a_word(
    server: sandbox.Server, new_database: NewDatabase, tmp_path: Path, word: str, status: int, kept: bool
) -> None:
    database, change = _filled(server, new_database)
    with steered(server, database, change, tmp_path, "--force-named-panic") as run:
        if word == "panic":
            assert "--force-named-panic is set" in run.say("panic")
        assert f"migrated table is {change.table}" in run.say(f"{word}=other")
        run.until(lambda: _rests(run), "the rest behind the first slice of the copy")
        run.say(f"{word}={change.table}")
        ended = run.ended()
    assert ended.status == status, ended.errors
    assert not run.path.exists()
    with cursor_of(server, database) as cursor:
        cursor.execute(change.left)
        source = ("public" if server.kind == "postgres" else "", change.table)
        left = set(cursor.fetchall()) - {source}
        assert bool(left) == kept
    again = ghostpy(
        *("migrate", f"--url={url_of(server, database)}", f"--table={change.table}", f"--alter={change.alter}"),
        *("--execute", "--ok-to-drop-table", "--display=lines"),
    )
    assert again.status == 0, again.errors
    going_on = "going on with the work of an earlier run" in again.errors
    assert going_on if word == "stop" else word == "panic" or not going_on


def _rests(run: Steered) -> bool:
    before = run.figures()["rows_copied"]
    time.sleep(0.2)
    return run.figures()["rows_copied"] == before


def test_a_hook_may_refuse_a_command(server: sandbox.Server, new_database: NewDatabase, tmp_path: Path) -> None:
    database, change = _filled(server, new_database)
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    script = hooks / "gh-ost-on-interactive-command"
    script.write_text('#!/bin/sh\n[ "$GH_OST_COMMAND" != "\'chunk-size\'" ] || { echo "not at night" >&2; exit 3; }\n')
    script.chmod(0o755)
    with steered(server, database, change, tmp_path, f"--hooks-path={hooks}") as run:
        assert "gh-ost-on-interactive-command ended with exit status 3" in run.say("chunk-size=500")
        assert run.say("workers=?") == "1\n"
        assert run.figures()["knobs"]
        assert run.say("abort").startswith("Aborting")
        assert run.ended().status == 15
