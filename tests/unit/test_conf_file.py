"""The file of --conf."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ghostpy.cli.conf_file import ConfFile, read_conf_file
from ghostpy.errors import UsageError


def read(tmp_path: Path, text: str, **environment: str) -> ConfFile:
    path = tmp_path / "my.cnf"
    path.write_text(text, encoding="utf-8")
    return read_conf_file(str(path), environment)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {"user": None, "password": None, "host": None, "port": None, "socket": None}),
        (
            "[client]\nuser=u\npassword=p\nhost=h\nport=3307\nsocket=/s",
            {"user": "u", "password": "p", "host": "h", "port": 3307, "socket": "/s"},
        ),
        ("[client]\n  user =  u  \n\tpassword\t=\tp\n", {"user": "u", "password": "p"}),
        ("[ Client ]\nUSER=u", {"user": "u"}),
        ("# c\n; c\n!include x\n[client]\n# user=x\nuser=u", {"user": "u"}),
        ("[mysqld]\nuser=x\n[client]\nuser=u\n[mysql]\nuser=y", {"user": "u"}),
        ("[client]\nuser=a\n[other]\n[client]\nuser=b", {"user": "b"}),
        ('[client]\npassword="a b"', {"password": "a b"}),
        ("[client]\npassword='a \"b'", {"password": 'a "b'}),
        ('[client]\npassword="a\\"b\\\\c"', {"password": 'a"b\\c'}),
        ('[client]\npassword="a # b" # c', {"password": "a # b"}),
        ("[client]\npassword=a#b;c", {"password": "a#b;c"}),
        ("[client]\npassword=a # c", {"password": "a"}),
        ("[client]\npassword=a=b", {"password": "a=b"}),
        ("[client]\npassword=", {"password": ""}),
        ("[client]\npassword=# none", {"password": ""}),
        ("[client]\npassword=ä€", {"password": "ä€"}),
        ("[client]\npassword=${SECRET}", {"password": "from outside"}),
        ("[client]\npassword=x${SECRET}", {"password": "x${SECRET}"}),
        ("[client]\nport=${PORT}", {"port": 3310}),
        ("[client]\nskip-ssl\nprompt=x", {"user": None}),
    ],
)
def test_values(tmp_path: Path, text: str, expected: dict[str, Any]) -> None:
    conf = read(tmp_path, text, SECRET="from outside", PORT="3310")
    assert {name: getattr(conf, name) for name in expected} == expected
    assert conf.notes == []


def test_the_section_of_gh_ost_is_noted(tmp_path: Path) -> None:
    conf = read(tmp_path, "[client]\nuser=u\n[osc]\nchunk_size=1\nmax_load=Threads_running=25")
    assert conf.user == "u"
    assert len(conf.notes) == 1
    assert "[osc]" in conf.notes[0]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("password=secret", "line 1"),
        ("[client]\nport=secret", "port"),
        ("[client]\npassword=${NOT_THERE}", "NOT_THERE"),
    ],
)
def test_refused_without_telling_values(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(UsageError) as caught:
        read(tmp_path, text)
    assert told in caught.value.message
    assert "secret" not in caught.value.message


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        read_conf_file(str(tmp_path / "none"), {})
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="UTF-8"):
        read_conf_file(str(tmp_path / "binary"), {})


def test_the_password_is_not_in_the_repr(tmp_path: Path) -> None:
    assert "hunter2" not in repr(read(tmp_path, "[client]\npassword=hunter2"))
