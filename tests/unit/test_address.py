"""Server addresses in one piece."""

from __future__ import annotations

from typing import Any

import pytest

from ghostpy.cli.address import parse_address
from ghostpy.errors import UsageError


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("mysql://h", {"dialect": "mysql", "host": "h", "port": 3306, "user": None, "database": None}),
        ("mysql://u@h:3307/db", {"host": "h", "port": 3307, "user": "u", "database": "db", "password": None}),
        ("MySQL://u:p@h/db/", {"user": "u", "password": "p", "database": "db"}),
        ("mariadb://h", {"dialect": "mysql"}),
        ("postgresql://h/db", {"dialect": "postgres", "host": "h", "port": None, "database": "db"}),
        ("Postgres://h:6432", {"dialect": "postgres", "port": 6432, "libpq": {"host": "h", "port": "6432"}}),
        (
            "postgresql:///db?host=%2Frun&service=s",
            {"host": "/run", "libpq": {"host": "/run", "service": "s", "dbname": "db"}},
        ),
        ("postgresql://h1:1,h2:2/db", {"host": "h1,h2", "port": None}),
        ("postgresql://u:p%3A%2F%23@[::1]/d%20b", {"host": "::1", "password": "p:/#", "database": "d b", "user": "u"}),
        ("postgresql://h?password=p%3A%2F%23&user=u", {"password": "p:/#", "libpq": {"host": "h", "user": "u"}}),
        ("mysql://a%40b:p%3A%2F%23@h/d%20b", {"user": "a@b", "password": "p:/#", "database": "d b"}),
        ("mysql://u:a+b@h", {"password": "a+b"}),
        ("mysql://u:@h", {"password": None}),
        ("mysql://[::1]:3307/db", {"host": "::1", "port": 3307}),
        ("mysql://u@/db", {"host": None, "port": None, "user": "u"}),
        ("mysql:///db?socket=%2Frun%2Fs", {"host": None, "unix_socket": "/run/s"}),
        ("mysql://h?ssl-mode=DISABLED", {"ssl": False, "ssl_allow_insecure": None}),
        ("mysql://h?ssl_mode=required", {"ssl": True, "ssl_allow_insecure": True}),
        ("mysql://h?ssl-mode=VERIFY_CA&ssl-ca=ca.pem", {"ssl": True, "ssl_allow_insecure": False, "ssl_ca": "ca.pem"}),
        ("mysql://h?ssl-mode=verify_identity", {"ssl": True, "ssl_allow_insecure": False}),
        ("postgresql://h?ssl=true", {"libpq": {"host": "h", "sslmode": "require"}}),
        ("mysql://h?ssl-cert=c&ssl-key=k", {"ssl": None, "ssl_cert": "c", "ssl_key": "k"}),
        ("mysql://h?charset=utf8mb4", {"charset": "utf8mb4"}),
    ],
)
def test_parts(url: str, expected: dict[str, Any]) -> None:
    address = parse_address(url)
    assert {name: getattr(address, name) for name in expected} == expected
    assert "p:/#" not in repr(address)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "h:3306",
        "user:secret@h",
        "oracle://u:secret@h",
        "mysql://u:secret@h:port/db",
        "mysql://u:secret@h:70000/db",
        "mysql://u:se#secret@h/db",
        "mysql://u:se?secret@h/db",
        "mysql://u:12?secret@h/db",
        "mysql://u:12/secret/b@h/db",
        "mysql://u:secret@h/db/table",
        "mysql://u:secret@h/db#x",
        "mysql://u:secret@h/db?color=red",
        "mysql://u:secret@h/db?ssl-mode=preferred",
        "mysql://[u:secret@h",
        "postgresql://u:secret@h?color=red",
        "postgresql://u:12%zzsecret@h",
        "postgresql://u:secret@[h",
        "postgresql://u:pass@h?color=secret=1",
        "postgresql:secret",
        "postgresql://h?secret",
    ],
)
def test_refused_without_telling_the_password(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_address(url)
    assert caught.value.message.startswith("--url")
    assert caught.value.hint
    assert "secret" not in f"{caught.value.message} {caught.value.hint}"


def test_an_unknown_parameter_is_named_where_it_can_hold_no_password() -> None:
    with pytest.raises(UsageError, match='"color"'):
        parse_address("postgresql://u@h/db?color=red")
