"""Other programs in processes of their own, forked from one that has loaded what they need: to load it takes longer than they run."""

from __future__ import annotations

import multiprocessing
import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

_WITHIN = 120.0
_LOADED = multiprocessing.get_context("forkserver")
_LOADED.set_forkserver_preload(
    [
        "alembic.config",
        "ghostpy.integrations.alembic",
        "django.core.management",
        "ghostpy.integrations.django",
        "pymysql",
    ]
)


def ended(folder: Path, program: Callable[..., object], *arguments: Any) -> tuple[int, str]:
    """Its exit code, and all that it says. `program`: of a module, and called with `arguments`; it works in `folder`."""
    with tempfile.NamedTemporaryFile("w+") as said:
        process = _LOADED.Process(target=_run, args=(said.name, str(folder), dict(os.environ), program, arguments))
        process.start()
        process.join(_WITHIN)
        if process.exitcode is None:
            process.kill()
            process.join()
        assert process.exitcode is not None
        status = process.exitcode
        process.close()
        return status, said.read()


def _run(
    said: str, folder: str, environment: Mapping[str, str], program: Callable[..., object], arguments: tuple[Any, ...]
) -> None:
    file = os.open(said, os.O_WRONLY | os.O_APPEND)
    for number in (1, 2):
        os.dup2(file, number)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.path.insert(0, folder)
    try:
        program(*arguments)
    except Exception:
        traceback.print_exc()
        sys.exit(1)
    finally:
        sys.stdout.flush()
