"""Every folder is a test: a table changed under writers ends up as the server itself would have altered it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from case_files import Case, cases_of
from case_mysql import MySQLTwins
from case_postgres import PostgresTwins
from case_run import run_case

from ghostpy import sandbox

_POSTGRES = (18, 15)
_POSTGRES_SLOWLY = (17, 16, 14)
_EACH_ON_POSTGRES_15, _EACH_ON_MARIADB = 8, 8
"""Every so-manieth case runs there as well; the others do in the slow tests."""


@pytest.mark.parametrize("case", cases_of("mysql"), ids=lambda case: case.name)
def test_mysql(
    case: Case,
    mysql_with: Callable[[sandbox.Options], sandbox.MySQLServer],
    new_database: Callable[[sandbox.Server], str],
    tmp_path: Path,
) -> None:
    server = mysql_with(case.server)
    with closing(MySQLTwins(server, case, new_database(server), new_database(server))) as twins:
        run_case(case, twins, tmp_path)


def _on_mariadb() -> list[Any]:
    cases = [case for case in cases_of("mysql") if not case.not_on_mariadb]
    slow = [pytest.mark.soak]
    return [
        pytest.param(case, id=case.name, marks=slow if number % _EACH_ON_MARIADB else [])
        for number, case in enumerate(cases)
    ]


@pytest.mark.parametrize("case", _on_mariadb())
def test_mariadb(
    case: Case,
    mariadb_with: Callable[[sandbox.Options], sandbox.MariaDBServer],
    new_database: Callable[[sandbox.Server], str],
    tmp_path: Path,
) -> None:
    server = mariadb_with({"character-set-server": "utf8mb4"} | dict(case.server))
    with closing(MySQLTwins(server, case, new_database(server), new_database(server))) as twins:
        run_case(case, twins, tmp_path)


@pytest.mark.soak
@pytest.mark.parametrize("case", _on_mariadb())
def test_mariadb_11(
    case: Case,
    mariadb_11_with: Callable[[sandbox.Options], sandbox.MariaDBServer],
    new_database: Callable[[sandbox.Server], str],
    tmp_path: Path,
) -> None:
    server = mariadb_11_with({"character-set-server": "utf8mb4"} | dict(case.server))
    with closing(MySQLTwins(server, case, new_database(server), new_database(server))) as twins:
        run_case(case, twins, tmp_path)


def _on_postgres() -> list[Any]:
    """All cases on the newest version, and some on 15; in the slow tests all on all, but for those that say which versions they are for."""
    found = []
    for number, case in enumerate(cases_of("postgres")):
        versions = case.versions or (*_POSTGRES, *_POSTGRES_SLOWLY)
        for version in versions:
            seldom = version not in _POSTGRES or number % _EACH_ON_POSTGRES_15
            slow = version != versions[0] and seldom
            marks = [pytest.mark.soak] if slow else []
            found.append(pytest.param(case, version, id=f"{case.name}-{version}", marks=marks))
    return found


@pytest.mark.parametrize(("case", "version"), _on_postgres())
def test_postgres(
    case: Case,
    version: int,
    postgres_with: Callable[[int, sandbox.Options], sandbox.PostgresServer],
    new_database: Callable[[sandbox.Server], str],
    tmp_path: Path,
) -> None:
    server = postgres_with(version, case.server)
    with closing(PostgresTwins(server, case, new_database(server), new_database(server))) as twins:
        run_case(case, twins, tmp_path)
