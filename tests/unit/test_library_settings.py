"""`import ghostpy`: which settings there are, how they are read, and what is never shown."""

from __future__ import annotations

import subprocess
import sys
import typing
from collections.abc import Mapping, Sequence
from datetime import timedelta
from os import PathLike
from pathlib import Path
from typing import Any

import pytest

import ghostpy
from ghostpy.api.keywords import Settings, keywords, read_settings
from ghostpy.cli import redaction
from ghostpy.cli.flag import Kind
from ghostpy.errors import UsageError
from ghostpy.integrations.servers import of_mysql, of_postgres, plain_statement

_URL = "mysql://app:s3cretpassword@db.example:3307/shop"
_TYPES: Mapping[Kind, tuple[Any, ...]] = {
    Kind.SWITCH: (bool,),
    Kind.WHOLE: (int,),
    Kind.FRACTION: (float,),
    Kind.TEXT: (str, str | PathLike[str], bool | str),
    Kind.SEVERAL: (Sequence[str], Sequence[str] | Mapping[str, str]),
}


def _read(**settings: object) -> Any:
    return read_settings(_URL, "orders", "ADD COLUMN note text", settings, execute=True).settings


def _refused(*words: str, **settings: object) -> UsageError:
    with pytest.raises(UsageError) as refused:
        _read(**settings)
    told = f"{refused.value.message} {refused.value.hint}"
    for word in words:
        assert word in told, told
    assert "--" not in told, told
    return refused.value


def test_the_typed_settings_are_the_flags() -> None:
    hints = typing.get_type_hints(Settings)
    assert sorted(hints) == sorted(keywords())
    for name, flag in keywords().items():
        assert hints[name] in _TYPES[flag.kind], name
        if hints[name] == bool | str:
            assert {"on", "off"} <= set(flag.choices), name


def test_settings_become_those_of_a_run(tmp_path: Path) -> None:
    read = _read(
        chunk_size=500,
        max_load="Threads_running=25",
        nice_ratio=1,
        verify=False,
        transform={"note": "CONCAT(id, 'x')"},
        window=["22:00-06:00"],
        throttle_flag_file=tmp_path / "rest",
        password=None,
    )
    assert read.execute
    assert (read.connect.host, read.connect.port, read.target.database) == ("db.example", 3307, "shop")
    assert read.connect.password == "s3cretpassword"
    assert read.copy.chunk_rows == 500
    assert read.copy.nice_ratio == 1.0
    assert read.verify is False
    assert [column for column, _ in read.target.transforms] == ["note"]
    assert read.throttle.flag_file == tmp_path / "rest"


def test_a_keyword_counts_for_more_than_the_url() -> None:
    connect = _read(host="other", user="me", password="hunter22").connect
    assert (connect.host, connect.user, connect.password) == ("other", "me", "hunter22")


def test_nothing_of_ours_is_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "ghostpy.toml").write_text("chunk-size = 77\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GHOSTPY_CHUNK_SIZE", "88")
    monkeypatch.setenv("MYSQL_PWD", "of somebody else")
    settings = read_settings("mysql://app@db/shop", "orders", "ADD x int", {}).settings
    assert settings.copy.chunk_rows is None
    assert settings.connect.password == ""


def test_numbers_are_brought_within_their_bounds_as_the_flags_are() -> None:
    read = read_settings(_URL, "orders", "ADD x int", {"workers": 1000})
    assert read.settings.copy.workers == 64
    assert read.notes == ("workers: 1000 is out of bounds; 64 is used.",)


def test_what_cannot_be_set_is_refused_by_name() -> None:
    _refused("There is no setting 'chunk_sise'", "Did you mean chunk_size?", chunk_sise=1)
    _refused("There is no setting 'chunk-size'", **{"chunk-size": 1})
    _refused("chunk_size must be a whole number, not '500'", chunk_size="500")
    _refused("restart must be true or false", restart=1)
    _refused("max_load must be text", max_load=25)
    _refused("revert_window must be text", revert_window=timedelta(hours=1))
    _refused("window must be text in quotes, or a list", window=5)
    _refused("max_load holds a null", max_load="a\0b")
    _refused("verify must be one of on,", verify="perhaps")
    _refused("execute is no setting of this call", execute=True)
    _refused("metrics_port is for the program", "on_progress", metrics_port=9000)
    _refused("quiet is for the program", quiet=True)
    _refused("config is for the program", config="ghostpy.toml")
    _refused("include_triggers", "not available", include_triggers=True)
    _refused("revert_window and ok_to_drop_table exclude each other", revert_window="1h", ok_to_drop_table=True)
    _refused("stream_reader", "only a postgresql:// server has it", stream_reader="peek")


def test_what_is_missing_is_said() -> None:
    with pytest.raises(UsageError, match=r"^alter .* or desired .* must be given"):
        read_settings(_URL, "orders", "", {})
    with pytest.raises(UsageError, match="table must be given"):
        read_settings(_URL, "", "ADD x int", {})
    with pytest.raises(UsageError, match="url must begin with"):
        read_settings("oracle://s3cretpassword@db/shop", "t", "ADD x int", {})


@pytest.mark.parametrize("url", [_URL, "postgresql://app:s3cretpassword@db.example/shop"])
def test_a_password_is_in_no_repr(url: str) -> None:
    read = read_settings(url, "orders", "ADD x int", {"hooks_hint_token": "s3crettoken"})
    assert "s3cret" not in repr(read) + repr(read.settings)
    assert read.redact("as s3cretpassword") == "as ***"
    # No call's secrets are kept for, or shown to, another.
    assert redaction.redact("s3cretpassword") == "s3cretpassword"
    assert read_settings("mysql://db/shop", "t", "ADD x int", {}).redact("s3cretpassword") == "s3cretpassword"


def test_importing_it_loads_next_to_nothing() -> None:
    script = (
        "import sys, ghostpy; loaded = {name for name in sys.modules if name.startswith('ghostpy')}; "
        "assert loaded == {'ghostpy'}, loaded; assert 'asyncio' not in sys.modules; "
        "assert all(hasattr(ghostpy, name) for name in ghostpy.__all__ if name != '__version__'); "
        "assert not {'alembic', 'django', 'uvloop', 'pymysql', 'psycopg'} & {*sys.modules} - {'psycopg'}, sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_all_names_are_there_and_no_others() -> None:
    assert set(ghostpy.__all__) <= set(dir(ghostpy))
    for name in ghostpy.__all__:
        assert getattr(ghostpy, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'plann'"):
        _ = ghostpy.plann  # type: ignore[attr-defined]


def test_where_other_tools_lead_on_mysql() -> None:
    at: dict[str, Any] = {"host": "db", "port": 3307, "user": "app", "password": "p@ss:word/?", "database": "shop"}
    found = of_mysql(**at, options={"charset": "utf8mb4", "connect_timeout": "3"})
    assert "p@ss" not in found["url"]
    connect = read_settings(found.pop("url"), "t", "ADD x int", found).settings.connect
    assert (connect.host, connect.port, connect.user, connect.password) == ("db", 3307, "app", "p@ss:word/?")
    assert not connect.tls.enabled

    here = of_mysql(**{**at, "host": "/run/mysqld.sock", "port": None}, options={})
    assert read_settings(here.pop("url"), "t", "ADD x int", here).settings.connect.unix_socket == "/run/mysqld.sock"

    own = of_mysql(**at, options={"ssl": {"ca": __file__}})
    assert (own["ssl"], own["ssl_ca"]) == (True, __file__)
    required = of_mysql(**at, options={"ssl_mode": "REQUIRED"})
    tls = read_settings(required.pop("url"), "t", "ADD x int", required).settings.connect.tls
    assert tls.enabled
    assert tls.allow_insecure
    for option in ({"ssl_check_hostname": "false"}, {"ssl": True}, {"ssl": {"cipher": "x"}}):
        with pytest.raises(UsageError, match="no counterpart"):
            of_mysql(**at, options=option)
    preferred = of_mysql(**at, options={"ssl_mode": "PREFERRED"})
    with pytest.raises(UsageError, match="ssl-mode=PREFERRED is not supported"):
        read_settings(preferred.pop("url"), "t", "ADD x int", preferred)


def test_where_other_tools_lead_on_postgresql() -> None:
    at: dict[str, Any] = {"host": "db", "port": 5433, "user": "app", "password": "p@ss:word/?", "database": "shop"}
    found = of_postgres(**at, options={"sslmode": "require", "options": "-c role=me"})
    assert "p@ss" not in found["url"]
    connect = read_settings(found.pop("url"), "t", "ADD x int", found).settings.connect
    assert (connect.host, connect.port, connect.user, connect.password) == ("db", 5433, "app", "p@ss:word/?")
    assert "sslmode=require" in connect.dsn
    assert "-c role=me" in connect.dsn


def test_the_plain_statement_of_a_change() -> None:
    assert plain_statement("`t`", " ADD x int ; ", {}) == "ALTER TABLE `t` ADD x int"
    assert plain_statement("`t`", "alter  table t ADD x int", {}) == "alter  table t ADD x int"
    assert plain_statement("`t`", "ADD x int", {"chunk_size": 5}) == "ALTER TABLE `t` ADD x int"
    with pytest.raises(UsageError, match="cannot be written as an ALTER TABLE: it has transform"):
        plain_statement("`t`", "ADD x int", {"transform": {"x": "1"}})


_TYPED = """
import ghostpy

plan: ghostpy.Plan = ghostpy.plan("mysql://db/shop", "t", "ADD x int", chunk_size=5, verify=False)
codes: list[str] = [finding.code for finding in plan.findings]
seconds: float | None = plan.estimate.seconds if plan.estimate else None


def watch(progress: ghostpy.Progress) -> None:
    print(progress.phase.value, progress.fraction)


async def run() -> str | None:
    result = await ghostpy.amigrate("mysql://db/shop", "t", "ADD x int", on_progress=watch, transform={"a": "b"})
    return result.old_table


ghostpy.migrate("mysql://db/shop", "t", chunk_sise=5)
ghostpy.migrate("mysql://db/shop", "t", chunk_size="5")
ghostpy.revert("mysql://db/shop", "t").strategy.nothing
"""


@pytest.mark.soak
def test_the_types_are_what_a_checker_sees(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(_TYPED)
    checked = subprocess.run(
        [
            sys.executable,
            "-m",
            "mypy",
            "--strict",
            "--cache-dir",
            str(tmp_path / "cache"),
            str(tmp_path / "program.py"),
        ],
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )
    wrong = [line.partition("program.py:")[2] for line in checked.stdout.splitlines() if "error:" in line]
    assert [line.partition(":")[0] for line in wrong] == ["18", "19", "20"], checked.stdout
    assert "chunk_sise" in wrong[0]
    assert '"str"; expected "int"' in wrong[1]
    assert "nothing" in wrong[2]
