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

CLIENTS = 32
_LONGEST = 3600
_WARM = 1.0

Latencies = list[tuple[float, float]]
"""(end of a transaction in Unix time, its latency from when it was due), in seconds."""


@dataclass(frozen=True)
class Application:
    """`log` gives what has been logged so far."""

    server: sandbox.Server
    program: str
    rate: int
    rows: int

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
            clients = ["-c", str(CLIENTS), "-j", "2", "-T", str(_LONGEST)]
            return [self.program, "-N", "-n", *clients, *rate, "-l", *address, "postgres"]
        return [
            self.program,
            str(Path(__file__).with_name("load.lua")),
            "--db-driver=mysql",
            f"--mysql-host={server.host}",
            f"--mysql-port={server.port}",
            f"--mysql-user={server.user}",
            "--mysql-db=bench",
            f"--threads={CLIENTS}",
            "--events=0",
            f"--time={_LONGEST}",
            f"--table_size={self.rows}",
            f"--application_rate={self.rate}",
            "run",
        ]

    def log(self, folder: Path, since: float, until: float) -> Latencies:
        """What ended between these moments."""
        found = []
        for path in (*folder.glob("log.*"), *folder.glob("pgbench_log.*")):
            for line in path.read_text().splitlines():
                fields = line.split()
                if len(fields) == 2:
                    moment, latency = fields
                elif len(fields) >= 6 and fields[2].isdigit():
                    moment, latency = f"{fields[4]}.{int(fields[5]):06}", str(int(fields[2]) / 1e6)
                else:
                    continue  # the last line of a program that was ended
                if since <= float(moment) <= until:
                    found.append((float(moment), float(latency)))
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
