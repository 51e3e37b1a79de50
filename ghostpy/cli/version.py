"""What `--version` prints."""

from __future__ import annotations

import subprocess
from pathlib import Path

import ghostpy


def version_text() -> str:
    """gh-ost's form, which scripts read: `<version> (git commit: <hash>)`."""
    return f"{ghostpy.__version__} (git commit: {_commit() or 'unknown'})"


def _commit() -> str:
    """The commit of the work tree that this runs from; empty where it was installed."""
    root = Path(ghostpy.__file__).resolve().parents[1]
    if not (root / ".git").exists():
        return ""
    try:
        done = subprocess.run(
            ["git", "-C", str(root), "rev-parse", "HEAD"],
            capture_output=True,
            text=True,
            timeout=5,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
