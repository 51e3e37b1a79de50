"""Metrics without a server: what is told, in which form, and where it goes."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from ghostpy.cli.main import main
from ghostpy.errors import AlreadyRunning, UsageError
from ghostpy.model.progress import CHUNK_BOUNDS, ChunkTimes, Phase, Progress
from ghostpy.model.run_end import RunEnd
from ghostpy.observe.metrics import RunLabels, RunMetrics
from ghostpy.observe.metrics_server import metrics_served
from ghostpy.observe.metrics_textfile import Textfile
from ghostpy.observe.reasons import KINDS, kind_of
from ghostpy.observe.statsd import StatsD, lines, packets

LABELS = RunLabels("shop", "t", "db1:3306")
COUNTS = (0, 1, 2, *[0] * (len(CHUNK_BOUNDS) - 4), 3, 1)
PROGRESS = Progress(
    phase=Phase.COPY,
    elapsed=12.0,
    copy_elapsed=10.0,
    rows_estimate=1000,
    rows_copied=250,
    eta=30.0,
    backlog=7,
    backlog_limit=100,
    stream_lag=0.25,
    lag=1.5,
    chunk_rows=50,
    chunk_seconds=0.1,
    chunk_times=ChunkTimes(COUNTS, 12.5),
    workers=2,
    cut_over_attempts=1,
    throttle_reason="max-load Threads_running=26 >= 25",
)
ENDED = RunEnd(9, datetime(2026, 8, 7, tzinfo=UTC), "CutOverFailed", "the lock could not be had")


def metrics() -> RunMetrics:
    found = RunMetrics(LABELS)
    found.progressed(replace(PROGRESS, elapsed=10.0))
    found.progressed(PROGRESS)
    return found


def samples(text: str) -> dict[str, float]:
    """Value by `name` or `name{what differs}`; checked by the client library's own parser."""
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            own = {name: value for name, value in sample.labels.items() if name not in LABELS.names}
            assert {sample.labels[name] for name in LABELS.names} == set(LABELS.values), sample
            found[sample.name + "".join(f"{{{value}}}" for value in own.values())] = sample.value
    return found


def text_of(found: RunMetrics) -> str:
    return generate_latest(found.registry).decode()


def test_the_figures_of_a_run() -> None:
    found = samples(text_of(metrics()))
    expected = {
        "ghostpy_rows_copied_total": 250,
        "ghostpy_rows_estimated": 1000,
        "ghostpy_copy_progress_ratio": 0.25,
        "ghostpy_copy_eta_seconds": 30,
        "ghostpy_backlog_keys": 7,
        "ghostpy_stream_lag_seconds": 0.25,
        "ghostpy_replica_lag_seconds": 1.5,
        "ghostpy_cut_over_attempts_total": 1,
        "ghostpy_phase{copying}": 1,
        "ghostpy_phase{verifying}": 0,
        "ghostpy_throttled{load}": 1,
        "ghostpy_throttled{lag}": 0,
        "ghostpy_throttled_seconds_total{load}": 2,
        "ghostpy_chunk_duration_seconds_bucket{0.01}": 1,
        "ghostpy_chunk_duration_seconds_bucket{+Inf}": 7,
        "ghostpy_chunk_duration_seconds_count": 7,
        "ghostpy_chunk_duration_seconds_sum": 12.5,
        "ghostpy_running": 1,
    }
    assert {name: found[name] for name in expected} == expected
    assert "ghostpy_exit_code" not in found


def test_what_is_not_known_is_missing_and_the_end_is_told() -> None:
    found = RunMetrics(LABELS)
    assert "ghostpy_copy_eta_seconds" not in samples(text_of(found))
    found.closed(ENDED)
    told = samples(text_of(found))
    assert (told["ghostpy_exit_code"], told["ghostpy_running"]) == (9, 0)
    assert told["ghostpy_finish_time_seconds"] == ENDED.finished.timestamp()


def test_names_follow_the_conventions() -> None:
    found = metrics()
    found.closed(ENDED)
    for family in found.collect():
        assert re.fullmatch(r"ghostpy_[a-z_]+", family.name), family.name
        assert family.documentation.endswith("."), family.name
        assert (family.type == "counter") == any(sample.name.endswith("_total") for sample in family.samples)


def test_promtool_has_nothing_to_object() -> None:
    """The same by Prometheus' own tool, where it is installed."""
    if shutil.which("promtool"):
        text = text_of(metrics())
        checked = subprocess.run(
            ["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False
        )
        assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")
    assert samples(text_of(metrics()))


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("commanded by user", "command"),
        ("max-load Threads_running=26 >= 25", "load"),
        ("flagship-http-1:3306 replica-lag=2.310000s", "lag"),
        ("lag=2.310000s", "lag"),
        ("outside window, opens at 22:00", "window"),
        ("freno: threshold exceeded (http=429)", "http"),
        ("flag-file", "flag-file"),
        ("http=503", "http"),
        ("throttle-query", "query"),
        ("critical-load-hibernate until 10:00", "hibernation"),
        ("something new: 17", "other"),
    ],
)
def test_reasons_have_few_kinds(reason: str, kind: str) -> None:
    assert kind_of(reason) == kind
    assert kind in KINDS


def test_the_endpoint_answers_and_gives_the_port_back() -> None:
    with metrics_served(metrics(), "127.0.0.1", 0) as port:
        text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10).read().decode()
        assert "ghostpy_rows_copied_total{" in text
        assert "process_resident_memory_bytes" in text
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))


def test_a_port_in_use_is_refused_before_anything_is_sent(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        # No server listens on port 1: a try to connect would end otherwise.
        flags = ["--url=mysql://root@127.0.0.1:1/d", "--table=t", "--alter=ADD c INT", "--execute"]
        assert main([*flags, f"--metrics-port={port}"]) == 2
    told = capsys.readouterr().err
    assert f"--metrics-port: 127.0.0.1:{port} cannot be listened on: Address already in use." in told
    assert "Nothing was created or changed." in told


@pytest.mark.parametrize(
    ("flag", "told"),
    [
        ("--metrics-port=70000", "between 0 and 65535"),
        ("--metrics-textfile=/no/such/folder/g.prom", "--metrics-textfile: nothing can be written to /no/such/folder"),
        ("--metrics-textfile=g.txt", "--metrics-textfile: g.txt must end in .prom"),
        ("--statsd-addr=nonsense", "--statsd-addr must be host:port"),
        ("--log-file=/no/such/folder/log", "--log-file: /no/such/folder/log cannot be opened"),
        ("--log-format=xml", "--log-format must be one of text, json"),
        ("--report=/no/such/folder/r.html", "--report: nothing can be written to /no/such/folder"),
        ("--report=r.pdf", "must end in .html or .json, or be a folder"),
    ],
)
def test_what_cannot_be_used_is_refused_at_once(capsys: pytest.CaptureFixture[str], flag: str, told: str) -> None:
    flags = ["--url=mysql://root@127.0.0.1:1/d", "--table=t", "--alter=ADD c INT", "--execute"]
    assert main([*flags, flag]) == 2
    assert told in capsys.readouterr().err


def test_the_text_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    found = RunMetrics(LABELS)
    path = tmp_path / "ghostpy.prom"
    file = Textfile(path, found)
    file.progressed(PROGRESS)
    assert samples(path.read_text())["ghostpy_running"] == 1
    with path.open() as before:
        found.progressed(PROGRESS)
        found.closed(ENDED)
        file.closed(ENDED)
        assert samples(before.read())["ghostpy_running"] == 1  # who has begun to read it reads the old one to its end
    assert samples(path.read_text())["ghostpy_exit_code"] == 9
    assert [each.name for each in tmp_path.iterdir()] == ["ghostpy.prom"]


def test_the_text_file_is_not_written_at_each_snapshot(tmp_path: Path) -> None:
    found = metrics()
    path = tmp_path / "ghostpy.prom"
    file = Textfile(path, found)
    file.progressed(PROGRESS)
    written = path.stat().st_ino
    for second in range(100):
        file.progressed(replace(PROGRESS, elapsed=second))
    assert path.stat().st_ino == written


def test_the_text_file_of_a_run_under_way_is_left_to_it(tmp_path: Path) -> None:
    path = tmp_path / "ghostpy.prom"
    path.write_text("the other run's")
    file = Textfile(path, RunMetrics(LABELS))
    file.closed(RunEnd(75, ENDED.finished, AlreadyRunning.__name__))
    assert path.read_text() == "the other run's"


@contextmanager
def listening(family: socket.AddressFamily, place: object) -> Iterator[socket.socket]:
    with socket.socket(family, socket.SOCK_DGRAM) as listener:
        listener.bind(place)
        listener.settimeout(10)
        yield listener


def received(listener: socket.socket) -> list[str]:
    listener.settimeout(0.2)
    found: list[str] = []
    while True:
        try:
            found += listener.recv(65536).decode().split("\n")
        except TimeoutError:
            return found


@pytest.mark.parametrize("kind", ["udp", "unix"])
def test_statsd(tmp_path: Path, kind: str) -> None:
    family, place = {"udp": (socket.AF_INET, ("127.0.0.1", 0)), "unix": (socket.AF_UNIX, f"{tmp_path}/s")}[kind]
    with listening(family, place) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}" if kind == "udp" else f"{tmp_path}/s"
        found = metrics()
        sender = StatsD(address, ["env:prod", "odd,tag"], found, process_every=10)
        sender.progressed(PROGRESS)
        told = received(listener)
        assert "ghostpy.rows_copied_total:250|g|#database:shop,table:t,server:db1:3306,env:prod,odd_tag" in told
        assert any(line.startswith("process_resident_memory_bytes:") for line in told)
        assert not any("_bucket" in line for line in told)
        sender.progressed(PROGRESS)
        assert received(listener) == []  # not again within the same second
        found.closed(ENDED)
        sender.closed(ENDED)
        told = received(listener)
        assert any(line.startswith("ghostpy.exit_code:9|g") for line in told)
        assert not any(line.startswith("process_") for line in told)


def test_statsd_needs_nobody_who_listens(tmp_path: Path) -> None:
    for address in ("127.0.0.1:1", f"{tmp_path}/nobody"):
        sender = StatsD(address, [], metrics(), process_every=0)
        sender.progressed(PROGRESS)
        sender.closed(ENDED)
    with pytest.raises(UsageError, match="cannot be found"):
        StatsD("no-such-host.invalid:8125", [], metrics(), process_every=0)


def test_packets_fit_any_network() -> None:
    told = list(lines(metrics().registry, ["x:" + "y" * 100]))
    sent = list(packets(told))
    assert max(map(len, sent)) <= 1400
    assert "\n".join(packet.decode() for packet in sent).split("\n") == told
