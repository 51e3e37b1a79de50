"""A test that hangs fails, in whatever it hangs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_TESTS = """
import asyncio
import signal
import subprocess
import threading

import pytest

pytestmark = pytest.mark.limit(0.3)


def test_waits_for_a_thread():
    threading.Event().wait(30)


def test_waits_for_a_program():
    subprocess.run(["sleep", "30"])


def test_event_loop():
    async def busy():
        while True:
            await asyncio.sleep(0)

    asyncio.run(busy())


@pytest.fixture
def slow_to_end():
    yield
    threading.Event().wait(30)


def test_tear_down(slow_to_end):
    pass


def test_is_quick():
    pass


def test_programs_can_be_interrupted():
    assert subprocess.run(["sh", "-c", "kill -INT $$; sleep 0.1"]).returncode == -signal.SIGINT
"""


def test_limit(tmp_path: Path) -> None:
    (tmp_path / "test_hanging.py").write_text(_TESTS)
    ended = subprocess.run(
        ["sh", "-c", 'trap "" INT; exec "$@"', "sh", sys.executable, "-m", "pytest", "-p", "time_limit", "-q", "-ra"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent), "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    failed = {line.split("::")[1].split(" ")[0] for line in ended.stdout.splitlines() if line.startswith("FAILED")}
    assert failed == {"test_waits_for_a_thread", "test_waits_for_a_program", "test_event_loop"}, ended.stdout
    assert "ERROR test_hanging.py::test_tear_down" in ended.stdout
    assert "3 failed, 3 passed, 1 error" in ended.stdout
    assert 'test_hanging.py", line 17 in test_waits_for_a_program' in ended.stdout
