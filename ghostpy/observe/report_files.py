"""Where the reports of a run go."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from ghostpy.errors import UsageError
from ghostpy.observe.report_page import report_page

SUFFIXES = (".html", ".json")
_UNUSUAL = re.compile(r"[^\w.-]+")


def report_paths(given: Sequence[Path], table: str, started: datetime) -> Sequence[Path]:
    """The files to write: those given as they are; in a folder two of a name made of the table and the time of the start.

    Raises UsageError for a file of another kind, and where nothing can be written.
    """
    found: list[Path] = []
    for path in given:
        if path.is_dir():
            stem = f"{_UNUSUAL.sub('_', table)}-{started:%Y%m%d-%H%M%S}"
            found += [path / f"{stem}{suffix}" for suffix in SUFFIXES]
        elif path.suffix in SUFFIXES:
            found.append(path)
        else:
            raise UsageError(f"--report: {path} must end in .html or .json, or be a folder that exists.")
    for path in found:
        if not os.access(path.parent, os.W_OK | os.X_OK):
            raise UsageError(f"--report: nothing can be written to {path.parent}.")
    return found


def write_report(path: Path, data: dict[str, Any]) -> None:
    """Write one report, whole or not at all. Raises OSError."""
    text = report_page(data) if path.suffix == ".html" else json.dumps(data, ensure_ascii=False, indent=1) + "\n"
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with open(handle, "w", encoding="utf-8", errors="replace") as file:
            file.write(text)
        os.chmod(name, 0o666 & ~_umask())
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
