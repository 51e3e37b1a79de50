"""All benchmarks in turn, each at a size that is good for a first look and not for figures to quote.

python -m bench            all of them
python -m bench.compare    one of them, at its own default size; --help says what it takes
"""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

_HERE = Path(__file__).parent
_SHORT = {
    "backlog": ["--rows=200000", "--transactions=20000"],
    "compare": ["--rows=200000", "--repeat=1", "--rates=0,500"],
    "decode": ["--transactions=20000"],
    "decode_postgres": ["--transactions=20000"],
    "estimate": ["--scale=0.05"],
    "exchange": ["--runs=5"],
    "growth": ["--millions=0.1,0.3"],
    "load_postgres": ["--scale=2", "--repeat=1"],
    "resync": ["--rows=50000", "--laps=10", "--repeat=1"],
}
"""A benchmark that is not named here runs at its own default size."""


def main() -> int:
    """Run them; the exit code: 0 where all of them came to an end."""
    failed = []
    for name in sorted(path.stem for path in _HERE.glob("*.py") if not path.stem.startswith("_")):
        arguments = ["-m", f"bench.{name}", *_SHORT.get(name, [])]
        print(f"python {shlex.join(arguments)}", flush=True)
        if subprocess.run([sys.executable, *arguments], cwd=_HERE.parent, check=False).returncode:
            failed.append(name)
        print(flush=True)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
        return 1
    print("These were short runs. For figures run one alone: .venv/bin/python -m bench.compare (--help says how).")
    return 0


if __name__ == "__main__":
    sys.exit(main())
