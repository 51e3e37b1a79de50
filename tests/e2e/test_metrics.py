"""Metrics of real runs: scraped under way, in the text file after the end, and sent to StatsD."""

from __future__ import annotations

import socket
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from waiting import until
from watched import ROWS, Place, make_place, started

from ghostpy import sandbox


@pytest.fixture(params=["mysql", "postgres"])
def place(request: pytest.FixtureRequest, new_database: Callable[[sandbox.Server], str]) -> Place:
    return make_place(request.getfixturevalue(request.param), new_database)


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def figures(text: str, place: Place) -> dict[str, float]:
    """Value by `name` or `name value-of-the-label`; parsed by the client library, of our own metrics."""
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name.startswith("ghostpy_"):
                labels = dict(sample.labels)
                assert labels.pop("database") == place.database
                assert labels.pop("table") in ("t", "public.t")
                assert labels.pop("server") == f"{place.server.host}:{place.server.port}"
                found[" ".join([sample.name, *labels.values()])] = sample.value
    return found


def test_a_run_is_scraped_and_leaves_a_text_file(place: Place, tmp_path: Path) -> None:
    port, file = free_port(), tmp_path / "ghostpy.prom"
    scraped: list[dict[str, float]] = []

    def scrape() -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
                scraped.append(figures(answer.read().decode(), place))
        except OSError:
            return False  # not there yet
        return 0 < scraped[-1]["ghostpy_rows_copied_total"] < ROWS

    flags = [f"--metrics-port={port}", f"--metrics-textfile={file}", *place.slowly]
    with started(place, tmp_path, *flags) as run:
        until(scrape, "a scrape in the middle of the copy")
        assert figures(file.read_text(), place)["ghostpy_running"] == 1
        # The port is this run's: another is refused before it does anything.
        refused = place.run("--execute", f"--metrics-port={port}")
        assert refused.status == 2
        assert "cannot be listened on: Address already in use" in refused.errors
        assert run.wait(120) == 0, (tmp_path / "errors").read_text()
    assert scraped[-1]["ghostpy_phase copying"] == 1
    assert scraped[-1]["ghostpy_chunk_duration_seconds_count"] >= 1
    assert scraped[-1]["ghostpy_copy_workers"] == 1
    assert "ghostpy_exit_code" not in scraped[-1]
    told = figures(file.read_text(), place)
    expected = {
        "ghostpy_rows_copied_total": ROWS,
        "ghostpy_rows_verified_total": ROWS,
        "ghostpy_copy_progress_ratio": 1,
        "ghostpy_cut_over_attempts_total": 1,
        "ghostpy_phase done": 1,
        "ghostpy_exit_code": 0,
        "ghostpy_running": 0,
    }
    assert {name: told[name] for name in expected} == expected
    assert told["ghostpy_writers_held_seconds"] > 0
    assert told["ghostpy_start_time_seconds"] < told["ghostpy_finish_time_seconds"] <= time.time()
    assert not any(line.startswith("process_") for line in file.read_text().splitlines())


def test_the_text_file_tells_of_a_failure(place: Place, tmp_path: Path) -> None:
    file = tmp_path / "ghostpy.prom"
    # The second --alter wins.
    bad = {"mysql": "MODIFY v TINYINT", "postgres": "ALTER COLUMN v TYPE smallint USING (v * 10)::smallint"}
    finished = place.run(f"--alter={bad[place.server.kind]}", "--execute", f"--metrics-textfile={file}")
    assert finished.status != 0
    assert figures(file.read_text(), place)["ghostpy_exit_code"] == finished.status


def test_a_dry_run_leaves_the_figures_alone(place: Place, tmp_path: Path) -> None:
    file = tmp_path / "ghostpy.prom"
    assert place.run(f"--metrics-textfile={file}").status == 0
    assert not file.exists()


def test_statsd(place: Place) -> None:
    heard: set[str] = set()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))

        def listen() -> None:
            while (packet := listener.recv(65536)) != b"end":
                heard.update(packet.decode().split("\n"))

        listening = threading.Thread(target=listen)
        listening.start()
        address = listener.getsockname()
        finished = place.run(
            "--execute", f"--statsd-addr=127.0.0.1:{address[1]}", "--statsd-tags=env:test", "--statsd-tags=a:b"
        )
        listener.sendto(b"end", address)
        listening.join()
    assert finished.status == 0, finished.errors
    copied = [line for line in heard if line.startswith(f"ghostpy.rows_copied_total:{ROWS}|g|#")]
    assert copied
    assert copied[0].endswith(",env:test,a:b")
    assert any(line.startswith("ghostpy.exit_code:0|g|#") for line in heard)
    assert any(line.startswith("process_resident_memory_bytes:") for line in heard)
