"""Tables, writers and changes by chance: what comes of it is what the server makes of it, or nothing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from case_mysql import MySQLTwins
from case_postgres import PostgresTwins
from case_run import run_random
from random_mysql import mysql_case
from random_postgres import postgres_case

from ghostpy import sandbox

_ALWAYS, _SLOWLY = 6, 300
"""So many are always run through; so many in the slow tests, for each kind of server."""
_NOT_REFUSED = {"mysql": (0, 2, 3, 5), "18": (1, 3, 4, 5)}
"""Changes that the server makes, and that must not be refused: else nothing would be tried where all are."""


def _seeds(often: str, seldom: str) -> list[Any]:
    return [
        pytest.param(
            kind, seed, id=f"{kind}-{seed}", marks=[] if kind == often and seed < _ALWAYS else pytest.mark.soak
        )
        for kind in (often, seldom)
        for seed in range(_SLOWLY)
    ]


@pytest.mark.parametrize(("kind", "seed"), _seeds("mysql", "mariadb"))
def test_mysql(
    kind: str,
    seed: int,
    mysql_with: Callable[[sandbox.Options], sandbox.MySQLServer],
    mariadb_with: Callable[[sandbox.Options], sandbox.MariaDBServer],
    new_database: Callable[[sandbox.Server], str],
    tmp_path: Path,
) -> None:
    server = mysql_with({}) if kind == "mysql" else mariadb_with({"character-set-server": "utf8mb4"})
    case = mysql_case(seed)
    with closing(MySQLTwins(server, case, new_database(server), new_database(server))) as twins:
        assert run_random(case, twins, tmp_path) or seed not in _NOT_REFUSED.get(kind, ())


@pytest.mark.parametrize(("kind", "seed"), _seeds("18", "15"))
def test_postgres(
    kind: str,
    seed: int,
    postgres_with: Callable[[int, sandbox.Options], sandbox.PostgresServer],
    new_database: Callable[[sandbox.Server], str],
    tmp_path: Path,
) -> None:
    server = postgres_with(int(kind), {})
    case = postgres_case(seed)
    with closing(PostgresTwins(server, case, new_database(server), new_database(server))) as twins:
        assert run_random(case, twins, tmp_path) or seed not in _NOT_REFUSED.get(kind, ())
