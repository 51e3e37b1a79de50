"""Every folder is a test: a table changed under writers ends up as the server itself would have altered it."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pymysql.connections
import pytest
from case_files import Case, cases_of
from case_mysql import MySQLTwins
from case_run import run_case

from ghostpy import sandbox


@pytest.fixture(autouse=True)
def one_tls_context(monkeypatch: pytest.MonkeyPatch) -> None:
    """The driver reads all of the machine's certificates for each session: 65 ms, ten times a case."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    monkeypatch.setattr(pymysql.connections.Connection, "_create_ssl_ctx", lambda *_: context)


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
