"""An application that writes at a fixed rate, by a program of the machine that logs each of its transactions."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ghostpy import sandbox

_LONGEST = 3600
_WARM = 1.0
_WRITTEN_WITHIN = 10.0

Latencies = list[tuple[float, float]]
"""(end of a transaction in Unix time, its latency from when it was due), in seconds."""


@dataclass(frozen=True)
class Application:
    """`rate`: transactions a second. `rows`: of the table."""

    server: sandbox.Server
    program: str
    rate: int
    rows: int
    clients: int = 32

    @contextmanager
    def running(self) -> Iterator[Path]:
        """For the length of the block; gives the folder of its logs."""
        with (
            tempfile.TemporaryDirectory() as folder,
            subprocess.Popen(
                self._command,
                cwd=folder,
                env={**os.environ, "BENCH_LOG": f"{folder}/log"},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            ) as process,
        ):
            try:
                time.sleep(_WARM)
                if process.poll() is not None:
                    raise SystemExit(f"the application has ended: {' '.join(self._command)}")
                yield Path(folder)
            finally:
                process.terminate()

    @property
    def _command(self) -> Sequence[str]:
        server = self.server
        if server.kind == "postgres":
            address = ["-h", server.host, "-p", str(server.port), "-U", server.user]
            # Unlimited where no rate is asked for.
            rate = ["-R", str(self.rate)] if self.rate else []
            clients = ["-c", str(self.clients), "-j", "2", "-T", str(_LONGEST)]
            return [self.program, "-N", "-n", *clients, *rate, "-l", *address, "postgres"]
        return [
            self.program,
            str(Path(__file__).with_name("load.lua")),
            "--db-driver=mysql",
            f"--mysql-host={server.host}",
            f"--mysql-port={server.port}",
            f"--mysql-user={server.user}",
            "--mysql-db=bench",
            f"--threads={self.clients}",
            "--events=0",
            f"--time={_LONGEST}",
            f"--table_size={self.rows}",
            f"--application_rate={self.rate}",
            "run",
        ]

    def log(self, folder: Path, until: float) -> Latencies:
        """What was due until then; to be asked while it runs. Waits until all of that is written: both programs buffer."""
        deadline = time.time() + _WRITTEN_WITHIN
        while True:
            logs = [_read(path) for path in (*folder.glob("log.*"), *folder.glob("pgbench_log.*"))]
            if all(log and log[-1][0] > until + _WARM for log in logs) or time.time() > deadline:
                return [each for log in logs for each in log if each[0] - each[1] <= until]
            time.sleep(_WARM / 4)


def ended(log: Latencies, since: float, until: float) -> Latencies:
    """The transactions that ended between these moments: the rate that there was."""
    return [each for each in log if since <= each[0] <= until]


def due(log: Latencies, since: float, until: float) -> Latencies:
    """The transactions that should have begun between these moments, whenever they ended."""
    return [each for each in log if since <= each[0] - each[1] <= until]


def _read(path: Path) -> Latencies:
    found = []
    for line in path.read_text().splitlines()[:-1]:  # the last one may not be whole yet
        fields = line.split()
        if len(fields) == 2:
            found.append((float(fields[0]), float(fields[1])))
        elif fields[2].isdigit():
            found.append((int(fields[4]) + int(fields[5]) / 1e6, int(fields[2]) / 1e6))
    return found


def program_of(kind: str, version: int | None = None) -> str | None:
    """The program that plays the application, where the machine has it."""
    if kind == "mysql":
        return shutil.which("sysbench")
    return shutil.which("pgbench", path=f"/usr/lib/postgresql/{version}/bin") or shutil.which("pgbench")


def percentile(latencies: Latencies, percent: float) -> float:
    """In milliseconds; 0 without any."""
    ordered = sorted(latency for _, latency in latencies)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] * 1000 if ordered else 0.0
