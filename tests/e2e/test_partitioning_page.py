"""docs/partitioning.md is right: its tables are created, its commands run as they stand there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from migrating import cursor_of, url_of

from ghostpy import sandbox

_PAGE = Path(__file__).parents[2] / "docs" / "partitioning.md"
_ROWS = [(1, "2024-05-05"), (2, "2025-05-05"), (3, "2026-05-05"), (4, "2025-12-31")]
_PLACES = {
    "postgres": "SELECT tableoid::regclass::text, count(*) FROM events GROUP BY 1 ORDER BY 1",
    "mysql": "SELECT PARTITION_NAME, TABLE_ROWS FROM information_schema.PARTITIONS WHERE TABLE_NAME = 'events' "
    "AND TABLE_SCHEMA = DATABASE() ORDER BY 1",
}


def _recipe(kind: str) -> tuple[str, str]:
    """The SQL and the command of one section."""
    _, postgres, mysql = re.split(r"^## ", _PAGE.read_text(), flags=re.MULTILINE)
    section = postgres if kind == "postgres" else mysql
    blocks = dict(re.findall(r"^```(sql|sh)\n(.*?)^```", section, re.MULTILINE | re.DOTALL))
    return blocks["sql"], blocks["sh"]


@pytest.mark.parametrize("kind", ["postgres", "mysql"])
def test_recipe(
    request: pytest.FixtureRequest, new_database: Callable[[sandbox.Server], str], tmp_path: Path, kind: str
) -> None:
    server = request.getfixturevalue(kind)
    database = new_database(server)
    create, command = _recipe(kind)
    with cursor_of(server, database) as cursor:
        for statement in filter(str.strip, create.split(";\n")):
            cursor.execute(statement)
        for row in _ROWS:
            cursor.execute("INSERT INTO events (id, created, what) VALUES (%s, %s, 'x')", row)
        cursor.execute("COMMIT")
    environment = os.environ | {
        "URL": url_of(server, database),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    done = subprocess.run(
        ["sh", "-c", command], env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    with cursor_of(server, database) as cursor:
        if kind == "mysql":
            cursor.execute("ANALYZE TABLE events")
            cursor.fetchall()
        cursor.execute(_PLACES[kind])
        assert [tuple(row) for row in cursor.fetchall()] == [("events_2024", 1), ("events_2025", 2), ("events_rest", 1)]
        cursor.execute("SELECT id FROM events WHERE what = 'x' ORDER BY id")
        assert [row[0] for row in cursor.fetchall()] == [1, 2, 3, 4]
