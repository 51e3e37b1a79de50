"""The table of commands, what a line means, what is answered, and where sockets are put."""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st
from msgspec.structs import replace
from test_throttle_gate import SETTINGS, Figures

from ghostpy import errors
from ghostpy.cli.control_page import with_table
from ghostpy.cli.control_words import WORDS
from ghostpy.cli.main import main
from ghostpy.control import places
from ghostpy.control.commands import COMMANDS, answered, help_text, known, parsed
from ghostpy.control.desk import Desk, Refused
from ghostpy.control.explain import explained
from ghostpy.control.server import served
from ghostpy.control.steering import Steering
from ghostpy.engine.chunker import Chunker
from ghostpy.engine.ending import Ending
from ghostpy.engine.knobs import Knobs
from ghostpy.engine.postponement import Postponement
from ghostpy.model.names import TableName
from ghostpy.model.progress import Phase, Progress
from ghostpy.observe.hooks import NoHooks
from ghostpy.observe.status_line import RunFacts
from ghostpy.settings import ControlSettings, CopySettings
from ghostpy.throttle.throttler import Throttler

_DOCS = Path(__file__).parents[2] / "docs"
_GH_OST = [
    "help",
    "status",
    "info",
    "sup",
    "cpu-profile",
    "coordinates",
    "applier",
    "inspector",
    "chunk-size",
    "dml-batch-size",
    "max-lag-millis",
    "nice-ratio",
    "max-load",
    "critical-load",
    "throttle-query",
    "throttle-http",
    "throttle-control-replicas",
    "replication-lag-query",
    "throttle",
    "pause",
    "suspend",
    "no-throttle",
    "unthrottle",
    "resume",
    "continue",
    "postpone-cut-over-flag-file",
    "unpostpone",
    "no-postpone",
    "cut-over",
    "panic",
]


def _desk(**more: Any) -> Desk:
    progress = Progress(phase=Phase.COPY, rows_estimate=100, rows_copied=50, stream_position="mark:1-7")
    steering = Steering(
        knobs=Knobs.of(CopySettings()),
        chunker=Chunker(0.1),
        throttler=Throttler(SETTINGS, Figures(), tell=print, stop=print),
        postponement=Postponement(None),
        ending=Ending(),
        progress=lambda: progress,
    )
    source = TableName("shop", "customers")
    facts = RunFacts(source, source.beside("_customers_gho"), "db:3306", "here", datetime.now(UTC), 1000, 0.0)
    return Desk(steering=steering, facts=facts, version="9.7.4", tell=lambda _: None, **more)


def said(desk: Desk, line: str) -> str:
    try:
        return asyncio.run(answered(desk, *parsed(line)))
    except Refused as refused:
        return f"E {refused}"


def test_all_of_gh_osts_commands_are_there() -> None:
    assert all(known(name) for name in _GH_OST)
    ours = [name for command in COMMANDS if command.ours for name in (command.name, *command.aliases)]
    everything = [name for command in COMMANDS for name in (command.name, *command.aliases)]
    assert sorted(everything) == sorted([*_GH_OST, *ours])
    assert tuple(command.name for command in COMMANDS) == WORDS


def test_the_page_is_up_to_date() -> None:
    page = (_DOCS / "control.md").read_text()
    assert page == with_table(page), "make it anew: python -m ghostpy.cli.control_page docs/control.md"


def test_the_help_names_all_of_them() -> None:
    for command in COMMANDS:
        assert re.search(rf"^{re.escape(command.name)}\b", help_text(), re.MULTILINE)


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("chunk-size=250", ("chunk-size", "250")),
        (" chunk-size = 250 ", ("chunk-size", "250")),
        ("chunk-size 250", ("chunk-size", "250")),
        ("chunk-size=?", ("chunk-size", "?")),
        ("status json", ("status", "json")),
        ("max-load=a=1,b=2", ("max-load", "a=1,b=2")),
        ('throttle-query="SELECT 1 = 2"', ("throttle-query", "SELECT 1 = 2")),
        ("throttle-query SELECT a FROM b WHERE c = 3", ("throttle-query", "SELECT a FROM b WHERE c = 3")),
        ("max-load=", ("max-load", "")),
        ("window='22:00-06:00 Europe/Berlin'", ("window", "22:00-06:00 Europe/Berlin")),
        ("status", ("status", "")),
    ],
)
def test_what_a_line_means(line: str, meant: tuple[str, str]) -> None:
    assert parsed(line) == meant


@pytest.mark.parametrize(
    ("line", "query", "value"),
    [
        ("chunk-size=250", "chunk-size=?", "250"),
        ("chunk-size=1", "chunk-size=?", "10"),
        ("chunk-size=1000000", "chunk-size=?", "100000"),
        ("dml-batch-size=70", "dml-batch-size=?", "70"),
        ("dml-batch-size=0", "dml-batch-size=?", "1"),
        ("workers=4", "workers=?", "4"),
        ("nice-ratio=0.5", "nice-ratio=?", "0.5"),
        ("nice-ratio=-3", "nice-ratio=?", "0.0"),
        ("max-lag-millis=700", "max-lag-millis=?", "700"),
        ("max-lag-millis=7", "max-lag-millis=?", "100"),
        ("max-load=a=5,b=6", "max-load=?", "a=5,b=6"),
        ("critical-load=a=5", "critical-load=?", "a=5"),
        ("throttle-query=SELECT 1", "throttle-query=?", "SELECT 1"),
        ("throttle-http=http://h/x", "throttle-http=?", "http://h/x"),
        ("throttle-control-replicas=a:1,b:2", "throttle-control-replicas=?", "a:1,b:2"),
        ("window=22:00-06:00 UTC", "window=?", "22:00-06:00 UTC"),
        ("deadline=6h", "deadline=?", "6h"),
    ],
)
def test_settings(line: str, query: str, value: str) -> None:
    desk = _desk()
    answer = said(desk, line)
    assert "Copy: 50/100 50.0%" in answer
    assert said(desk, query) == value


@pytest.mark.parametrize(
    "line",
    [
        "chunk-size=many",
        "nice-ratio=nan",
        "workers=",
        "max-load=a",
        "critical-load=a=b",
        "window=night",
        "deadline=soon",
        "throttle-http=ftp://x",
    ],
)
def test_what_cannot_be_read_changes_nothing(line: str) -> None:
    desk = _desk()
    name = line.partition("=")[0]
    before = said(desk, f"{name}=?")
    assert said(desk, line).startswith("E ")
    assert said(desk, f"{name}=?") == before


def test_rest_and_go_on() -> None:
    desk = _desk()
    assert "# Note: you may only throttle" in said(desk, "pause")
    assert desk.steering.throttler.commanded
    assert "on other, but migrated table is customers" in said(desk, "resume=other")
    assert desk.steering.throttler.commanded
    said(desk, "resume=customers")
    assert not desk.steering.throttler.commanded


def test_the_cut_over_is_held_back_and_let_go(tmp_path: Path) -> None:
    desk, flag = _desk(must_name_cut_over=True), tmp_path / "flag"
    assert said(desk, "unpostpone=customers").startswith("E You may only invoke this")
    assert said(desk, "postpone-cut-over-flag-file").startswith("E ")
    assert said(desk, f"postpone-cut-over-flag-file={flag}").startswith("Postponed\n")
    assert flag.exists()
    desk.steering.postponement.active = True
    assert "without specifying table name, but --force-named-cut-over is set" in said(desk, "cut-over")
    assert desk.steering.postponement.wanted
    assert said(desk, "cut-over=customers").startswith("Unpostponed\n")
    assert not desk.steering.postponement.wanted


@pytest.mark.parametrize(
    ("line", "error"), [("stop", errors.Stopped), ("abort", errors.Aborted), ("panic", errors.Panicked)]
)
def test_ends(line: str, error: type[errors.GhostpyError]) -> None:
    desk = _desk()
    said(desk, f"{line}=other")
    assert not desk.steering.ending.asked
    said(desk, line)
    with pytest.raises(error):
        asyncio.run(desk.steering.ending.run())


def test_answers() -> None:
    desk = _desk()
    assert said(desk, "coordinates") == "mark:1-7"
    assert said(desk, "coordinates=3") == "E coordinates are read-only"
    assert said(desk, "applier") == "Host: db:3306, Version: 9.7.4"
    assert said(desk, "replication-lag-query=x").startswith("E replication-lag-query is deprecated")
    assert said(desk, "nonsense=3") == "E unknown command: nonsense"
    assert said(desk, "panic-not").startswith("E unknown command")
    told = json.loads(said(desk, "status json"))
    assert (told["table"], told["rows_copied"], told["phase"]) == ("shop.customers", 50, "copying")
    assert said(desk, "cpu-profile=5x").startswith("E unrecognized cpu profiling option")
    assert said(desk, "cpu-profile=50ms,gzip")
    must = _desk(must_name_panic=True)
    assert "--force-named-panic is set" in said(must, "panic")
    assert not must.steering.ending.asked


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"throttle_reason": "max-load a=3 >= 3"}, "It rests: max-load a=3 >= 3."),
        ({"phase": Phase.POSTPONED}, "The cut-over waits until"),
        ({"backlog": 95, "backlog_limit": 100}, "95 keys are dirty"),
        ({"stream_lag": 9.0}, "9 s behind"),
        ({"phase": Phase.CUT_OVER, "cut_over_attempts": 3}, "in attempt 3"),
        ({"rows_per_second": 1234.0}, "1234 rows a second"),
        ({"phase": Phase.INDEXES}, "building indexes"),
    ],
)
def test_explained(change: dict[str, Any], text: str) -> None:
    progress = replace(Progress(phase=Phase.COPY), **change)
    found = explained(progress, Knobs.of(CopySettings()), Postponement(None))
    assert text in found
    assert "\n" not in found


async def _exchanged(path: Path, data: bytes) -> bytes:
    reader, writer = await asyncio.open_unix_connection(str(path))
    try:
        writer.write(data)
        writer.write_eof()
        return await asyncio.wait_for(reader.read(), 20)
    except (BrokenPipeError, ConnectionResetError):
        return b""
    finally:
        writer.close()


@hypothesis.settings(max_examples=300)
@hypothesis.given(
    st.one_of(st.binary(max_size=300), st.text(max_size=200).map(lambda text: text.encode(errors="replace")))
)
def test_no_line_is_answered_by_anything_but_text(data: bytes) -> None:
    """Any bytes at all: as a line, whatever is in it."""
    desk = _desk()
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return
    name, argument = parsed(text)
    if name == "cpu-profile" or name.startswith("postpone"):
        return
    assert said(desk, text)
    assert isinstance(argument, str)


def test_served(tmp_path: Path) -> None:
    path = tmp_path / "s.sock"

    async def check() -> None:
        desk = _desk()
        async with served(ControlSettings(socket_file=path), desk, NoHooks()):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            assert (await _exchanged(path, b"chunk-size=?\n")) == b"500\n"
            assert (await _exchanged(path, b"chunk-size=?")) == b"500\n"
            assert b"UTF-8" in await _exchanged(path, b"\xff\xfe\x00\n")
            assert b"printable" in await _exchanged(path, b"chunk-size\x00=\x07\n")
            assert b"no command" in await _exchanged(path, b"\n")
            assert b"bytes at most" in await _exchanged(path, b"x" * 200_000)
            many = await asyncio.gather(*(_exchanged(path, b"sup\n") for _ in range(60)))
            assert all(answer.startswith(b"Copy: ") for answer in many)
            # Whoever comes next finds it in use.
            with pytest.raises(errors.UsageError, match="a run is served there"):
                async with served(ControlSettings(socket_file=path), desk, NoHooks()):
                    pass
            assert (await _exchanged(path, b"eta\n")) == b"N/A\n"
        assert not path.exists()

    asyncio.run(check())
    assert list(tmp_path.iterdir()) == []


def test_tcp_takes_commands_with_its_token_only() -> None:
    async def check() -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = int(probe.getsockname()[1])
        settings = ControlSettings(
            database=f"d{os.getpid()}", table="t", tcp_port=port, tcp_token="a-very-secret-token"
        )
        async with served(settings, _desk(), NoHooks()):
            for line, answer in (
                (b"sup\n", b"begins with token="),
                (b"token=wrong sup\n", b"begins with token="),
                (b"token=a-very-secret-token sup\n", b"Copy: "),
            ):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(line)
                assert answer in await reader.read()
                writer.close()

    asyncio.run(check())


def test_what_is_in_the_way_of_a_socket(tmp_path: Path) -> None:
    path = tmp_path / "gh-ost.a.b.sock"
    path.write_text("not a socket")
    with pytest.raises(errors.UsageError, match="no socket"):
        places.free_place(path, chosen=True, drop=True)
    assert places.free_place(path, chosen=False, drop=False) == tmp_path / f"gh-ost.a.b.{os.getpid()}.sock"
    path.unlink()
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    assert places.free_place(path, chosen=True, drop=False) == path
    with pytest.raises(errors.UsageError, match="too long"):
        places.free_place(tmp_path / ("x" * 200), chosen=True, drop=False)
    with pytest.raises(errors.UsageError, match="no folder"):
        places.free_place(tmp_path / "none" / "s", chosen=True, drop=False)


def test_where_sockets_are_put(monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("/tmp", f"/tmp/{'f' * 40}"):
        monkeypatch.setenv("GHOSTPY_SOCKETS_FOLDER", folder)
        assert str(places.default_place("shop", "customers")) == f"{folder}/gh-ost.shop.customers.sock"
        assert len(os.fsencode(places.default_place("d" * 64, "t" * 64))) <= 100
    monkeypatch.delenv("GHOSTPY_SOCKETS_FOLDER")
    assert str(places.default_place("shop", "customers")) == "/tmp/gh-ost.shop.customers.sock"


Capture = pytest.CaptureFixture[str]


def test_nobody_is_there(capsys: Capture) -> None:
    assert main(["list"]) == 0
    assert "There is no run" in capsys.readouterr().out
    assert main(["list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
    assert main(["top", "--once"]) == 0
    assert "There is no run" in capsys.readouterr().out
    assert main(["control", "status"]) == 2
    assert "There is no run under way on this host" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["control", "nonsense"], "There is no command 'nonsense'"),
        (["control", "--socket=/nowhere/s", "status"], "/nowhere/s"),
        (["control", "--frobnicate=1", "status"], "no flag --frobnicate"),
        (["control", "--socket"], "--socket needs a value"),
        (["list", "all"], "'all' means nothing to list"),
        (["list", "--jsn"], "no flag --jsn"),
        (["top", "--interval=0"], "--interval must be"),
        (["top", "--interval=soon", "--once"], "--interval must be"),
    ],
)
def test_bad_calls(arguments: list[str], told: str, capsys: Capture) -> None:
    assert main(arguments) in (2, 4)
    shown = capsys.readouterr().err
    assert told in shown
    assert "Traceback" not in shown


@pytest.mark.parametrize(
    ("table", "database", "server", "of"),
    [
        ("", "", "", True),
        ("customers", "", "", True),
        ("shop.customers", "shop", "db1:3306", True),
        ("customers", "shop", "db2:3306", False),
        ("customers", "other", "", False),
        ("tomers", "", "", False),
    ],
)
def test_whose_socket_it_is(table: str, database: str, server: str, of: bool) -> None:
    place = places.Place(Path("/tmp/s"), "shop.customers", True, "shop", "db1:3306")
    assert place.is_of(table, database, server) is of


def test_of_a_socket_without_a_note_the_server_is_not_known() -> None:
    place = places.Place(Path("/tmp/gh-ost.shop.customers.sock"), "shop.customers", True)
    assert place.is_of("customers", "shop", "")
    assert not place.is_of("customers", "shop", "db1:3306")
