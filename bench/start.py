"""How long until a command begins: what Python takes to load the program, and how much of that is the program's own?

    python -m bench.start [--repeat N] [--against CHECKOUT]

`ghostpy migrate` is called for a server that is not there, so that it ends where it would connect. Quoted are medians of the processor's seconds,
and their ratio to Python with asyncio and the server's driver alone. `--against`: another checkout of ghostpy, measured in turn with this one.
"""

from __future__ import annotations

import argparse
import os
import resource
import socket
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from ghostpy import errors

_HERE = Path(__file__).parent.parent
_DRIVERS = {"mysql": "pymysql", "postgresql": "psycopg"}
_ALONE = "Python, asyncio and the driver"


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="bench.start", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--repeat", type=int, default=15)
    parser.add_argument("--against", type=Path)
    options = parser.parse_args(argv)
    checkouts = {"ghostpy": _HERE}
    if options.against:
        checkouts[str(options.against)] = options.against.resolve()
    with socket.socket() as unused:
        # Bound, so that nobody else listens there, and not listening.
        unused.bind(("127.0.0.1", 0))
        for scheme, driver in _DRIVERS.items():
            url = f"{scheme}://root@127.0.0.1:{unused.getsockname()[1]}/d"
            call = ["-m", "ghostpy", "migrate", f"--url={url}", "--table=t", "--alter=ADD COLUMN n INT", "--execute"]
            calls = {_ALONE: (["-c", f"import asyncio, {driver}"], _HERE, 0)}
            calls |= {name: (call, place, errors.ConnectionFailed.exit_code) for name, place in checkouts.items()}
            took: dict[str, list[float]] = {name: [] for name in calls}
            for number in range(options.repeat + 1):
                for name, (arguments, place, status) in calls.items():
                    seconds = _measured(arguments, place, status)
                    if number:  # the first one writes Python's compiled files
                        took[name].append(seconds)
            print(f"{scheme}, medians of {options.repeat}, processor seconds")
            alone = statistics.median(took[_ALONE])
            for name, each in took.items():
                print(f"  {statistics.median(each):6.3f}  {statistics.median(each) / alone:5.2f}  {name}")
    return 0


def _measured(arguments: Sequence[str], place: Path, status: int) -> float:
    """Processor seconds of Python with these arguments. `status`: what it has to end with."""
    environment = {**os.environ, "PYTHONPATH": str(place)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    # Not in a checkout, which would come before PYTHONPATH.
    ended = subprocess.run(
        [sys.executable, *arguments], cwd="/", env=environment, capture_output=True, text=True, check=False
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if ended.returncode != status:
        raise SystemExit(f"python {' '.join(arguments)} ended with {ended.returncode}: {ended.stderr}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
