"""Flags, environment, URL and files become settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ghostpy.cli import redaction
from ghostpy.cli.flags import read_flags
from ghostpy.cli.invocation import Invocation, read_invocation
from ghostpy.errors import UsageError
from ghostpy.observe.log import Level
from ghostpy.settings import (
    ConnectSettings,
    ControlSettings,
    CopySettings,
    CutOverSettings,
    MigrateSettings,
    TargetSettings,
)

BASE = ("--database=db", "--table=t", "--alter=ADD x INT")


@pytest.fixture(autouse=True)
def _no_secrets_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "_secrets", set())


def invoke(*arguments: str, typed: str = "typed", **environment: str) -> Invocation:
    return read_invocation(read_flags(arguments, environment), environment, lambda _: typed)


def settings(*arguments: str, **environment: str) -> MigrateSettings:
    return invoke(*BASE, *arguments, **environment).settings


def connect(*arguments: str, **environment: str) -> ConnectSettings:
    return settings(*arguments, **environment).connect


def refused(*arguments: str, **environment: str) -> str:
    with pytest.raises(UsageError) as caught:
        invoke(*arguments, **environment)
    assert caught.value.exit_code == 2
    return caught.value.message


def test_defaults_are_those_of_the_settings() -> None:
    assert settings() == MigrateSettings(
        target=TargetSettings(database="db", table="t", alter="ADD x INT"),
        control=ControlSettings(database="db", table="t"),
    )


@pytest.mark.parametrize(
    ("argument", "part", "name", "value"),
    [
        ("--execute", "", "execute", True),
        ("--verify=off", "", "verify", False),
        ("--verify=on", "", "verify", True),
        ("--exact-rowcount", "", "exact_row_count", True),
        ("--heartbeat-interval-millis=500", "", "heartbeat_seconds", 0.5),
        ("--chunk-size=500", "copy", "chunk_rows", 500),
        ("--chunk-size=1000", "copy", "chunk_rows", 1000),
        ("--chunk-time=0.5", "copy", "chunk_seconds", 0.5),
        ("--workers=4", "copy", "workers", 4),
        ("--max-backlog=5000", "copy", "backlog_limit", 5000),
        ("--nice-ratio=0.7", "copy", "nice_ratio", 0.7),
        ("--default-retries=5", "copy", "retries", 5),
        ("--default-retries=5", "cut_over", "attempts", 5),
        ("--default-retries=0", "copy", "retries", CopySettings().retries),
        ("--default-retries=-1", "cut_over", "attempts", CutOverSettings().attempts),
        ("--cut-over-lock-timeout-seconds=7", "cut_over", "lock_timeout", 7),
        ("--cut-over-lock-timeout-seconds=11", "cut_over", "lock_timeout", 3),
        ("--cut-over-lock-timeout-seconds=0", "cut_over", "lock_timeout", 3),
        ("--cut-over-exponential-backoff", "cut_over", "exponential_backoff", True),
        ("--exponential-backoff-max-interval=30", "cut_over", "backoff_max", 30),
        ("--postpone-cut-over-flag-file=some/file", "cut_over", "postpone_flag_file", Path("some/file")),
        ("--force-table-names=other", "target", "force_table_names", "other"),
        ("--timestamp-old-table", "target", "timestamp_old_table", True),
        ("--attempt-instant-ddl", "target", "attempt_instant_ddl", True),
        ("--skip-renamed-columns", "target", "skip_renamed_columns", True),
        ("--initially-drop-ghost-table", "target", "initially_drop_shadow", True),
        ("--initially-drop-old-table", "target", "initially_drop_old", True),
        ("--ok-to-drop-table", "target", "ok_to_drop_old", True),
        ("--where= a > 1 ; ", "target", "where", "a > 1"),
        ("--where=", "target", "where", None),
        ("--transform=a=b+1", "target", "transforms", (("a", "b+1"),)),
        ("--transform= `a=``b` = f('=') ;", "target", "transforms", (("a=`b", "f('=')"),)),
        ("--host=h", "connect", "host", "h"),
        ("--port=3307", "connect", "port", 3307),
        ("--user=u", "connect", "user", "u"),
        ("--password=p", "connect", "password", "p"),
        ("--mysql-timeout=2.5", "connect", "timeout", 2.5),
        ("--charset=latin1", "connect", "charset", "latin1"),
        ("--charset=utf8mb4_0900_ai_ci, latin1", "connect", "charset", "utf8mb4"),
        ("--charset=", "connect", "charset", "utf8mb4"),
        ("--replica-server-id=7", "connect", "replica_server_id", 7),
        ("--binlogsyncer-max-reconnect-attempts=4", "connect", "stream_reconnect_attempts", 4),
    ],
)
def test_one_flag(argument: str, part: str, name: str, value: Any) -> None:
    found = settings(argument)
    assert getattr(getattr(found, part) if part else found, name) == value


@pytest.mark.parametrize(
    ("arguments", "level"),
    [
        ([], Level.NORMAL),
        (["--verbose"], Level.VERBOSE),
        (["--debug"], Level.DEBUG),
        (["--debug", "--verbose"], Level.DEBUG),
        (["--quiet", "--debug", "--verbose"], Level.QUIET),
    ],
)
def test_level(arguments: list[str], level: Level) -> None:
    assert invoke(*BASE, *arguments).level is level


def test_notes_are_handed_on() -> None:
    notes = invoke(*BASE, "--chunk-size=1", "--cut-over-lock-timeout-seconds=99", "--default-retries=0").notes
    assert len(notes) == 3


@pytest.mark.parametrize(
    ("arguments", "database", "table"),
    [
        (["--alter=ALTER TABLE d.s ADD x INT"], "d", "s"),
        (["--alter=ALTER TABLE s ADD x INT", "--database=d"], "d", "s"),
        (["--alter=ADD x INT", "--database=d", "--table=s"], "d", "s"),
        (["--alter=ALTER TABLE `d`.`s` ADD x INT", "--database=d", "--table=s"], "d", "s"),
        (["--alter=ALTER TABLE s ADD x INT", "--url=mysql://h/d"], "d", "s"),
        (["--alter=ALTER TABLE d.s ADD x INT", "--url=mysql://h/other"], "d", "s"),
        (["--alter=ADD x INT", "--table=s", "--database=d", "--url=mysql://h/other"], "d", "s"),
    ],
)
def test_which_table(arguments: list[str], database: str, table: str) -> None:
    target = invoke(*arguments).settings.target
    assert (target.database, target.table) == (database, table)
    assert target.alter == arguments[0].partition("=")[2]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], ["--alter", "--database", "--table"]),
        (["--alter=  "], ["--alter"]),
        (["--alter=ADD x INT"], ["--database", "--table"]),
        (["--alter=ADD x INT", "--table=t"], ["--database"]),
        (["--alter=ALTER TABLE t ADD x INT"], ["--database"]),
        (["--alter=ALTER TABLE d.t ADD x INT", "--table=u"], ["--table says u", "--alter says t"]),
        (["--alter=ALTER TABLE d.t ADD x INT", "--database=e"], ["--database says e"]),
        ([*BASE, "--alter=ADD x INT; DROP y"], ["more than one statement"]),
        ([*BASE, "--alter=ADD x INT DEFAULT 'a"], ["not closed"]),
        ([*BASE, "--where=a = 'x"], ["--where", "not closed"]),
        ([*BASE, "--where=1; DROP TABLE t"], ["--where", "more than one statement"]),
        ([*BASE, "--transform=a"], ["column=expression"]),
        ([*BASE, "--transform==b"], ["column=expression"]),
        ([*BASE, "--transform=a="], ["--transform a is empty"]),
        ([*BASE, "--transform=a=(1"], ["--transform a", "not closed"]),
        ([*BASE, "--transform=a=1", "--transform=A=2"], ["twice"]),
        ([*BASE, "--verify=maybe"], ["--verify must be one of on"]),
        ([*BASE, "--display=3d"], ["--display must be one of auto, live, lines"]),
        ([*BASE, "--port=0"], ["--port"]),
        ([*BASE, "--port=65536"], ["--port"]),
        ([*BASE, "--replica-server-id=0"], ["--replica-server-id"]),
        ([*BASE, "--replica-server-id=4294967296"], ["--replica-server-id"]),
        ([*BASE, "--ssl-ca=x"], ["--ssl-ca can only be used with --ssl"]),
        ([*BASE, "--ssl-cert=x", "--ssl-key=y"], ["--ssl-cert, --ssl-key can only be used with --ssl"]),
        ([*BASE, "--ssl-allow-insecure"], ["--ssl-allow-insecure can only be used with --ssl"]),
        ([*BASE, "--ssl", "--ssl-ca=no/such/file"], ["there is no file no/such/file"]),
        ([*BASE, "--password-file=no/such/file"], ["--password-file", "no/such/file"]),
        ([*BASE, "--conf=no/such/file"], ["--conf", "no/such/file"]),
        ([*BASE, "--url=oracle://h"], ["mysql://"]),
    ],
)
def test_refused(arguments: list[str], told: list[str]) -> None:
    message = refused(*arguments)
    assert all(text in message for text in told), message


def test_tls(tmp_path: Path) -> None:
    pem = tmp_path / "a.pem"
    pem.touch()
    tls = connect("--ssl", f"--ssl-ca={pem}", f"--ssl-cert={pem}", f"--ssl-key={pem}", "--ssl-allow-insecure").tls
    assert (tls.enabled, tls.ca, tls.cert, tls.key, tls.allow_insecure) == (True, pem, pem, pem, True)
    assert "together" in refused(*BASE, "--ssl", f"--ssl-cert={pem}")
    assert connect(f"--ssl-ca={pem}", "--url=mysql://h?ssl-mode=verify_identity").tls.ca == pem
    assert connect("--ssl=false", "--url=mysql://h?ssl-mode=required").tls.enabled is False


def test_what_wins_for_an_ordinary_value(tmp_path: Path) -> None:
    conf = tmp_path / "my.cnf"
    conf.write_text("[client]\nuser = of_conf\nhost = conf_host\nport = 1111\n")
    by_conf = f"--conf={conf}"
    url = "--url=mysql://of_url@url_host:2222/"
    environment = {"GHOSTPY_USER": "of_environment", "GHOSTPY_URL": "mysql://of_environment_url@env_host:3333"}
    assert connect(by_conf).user == "of_conf"
    assert connect(by_conf).port == 1111
    assert connect(by_conf, GHOSTPY_URL=environment["GHOSTPY_URL"]).user == "of_environment_url"
    assert connect(by_conf, **environment).user == "of_environment"
    assert connect(by_conf, url, **environment).user == "of_url"
    assert connect(by_conf, url, "--user=of_flag", **environment).user == "of_flag"
    assert connect(by_conf, url, "--port=4444").address == "url_host:4444"
    assert connect("--url=mysql://h", "--port=4444").port == 4444
    assert connect("--url=mysql://h").port == 3306


def test_what_wins_for_the_password(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("of_file\nsecond line\n")
    conf = tmp_path / "my.cnf"
    conf.write_text("[client]\npassword = of_conf\n")
    ladder: list[tuple[list[str], dict[str, str], str]] = [
        ([], {}, ""),
        ([], {"MYSQL_PWD": "of_mysql_pwd"}, "of_mysql_pwd"),
        ([f"--conf={conf}"], {}, "of_conf"),
        ([], {"GHOSTPY_URL": "mysql://u:of_env_url@h"}, "of_env_url"),
        ([], {"GHOSTPY_PASSWORD_FILE": str(file)}, "of_file"),
        ([], {"GHOSTPY_PASSWORD": "of_environment"}, "of_environment"),
        (["--url=mysql://u:of_url@h"], {}, "of_url"),
        ([f"--password-file={file}"], {}, "of_file"),
        (["--password=of_flag"], {}, "of_flag"),
        (["--ask-pass"], {}, "typed"),
    ]
    arguments: list[str] = []
    environment: dict[str, str] = {}
    for more_arguments, more_environment, expected in ladder:
        arguments += more_arguments
        environment |= more_environment
        assert connect(*arguments, **environment).password == expected
    assert connect("--password=", MYSQL_PWD="x").password == ""


def test_nobody_is_asked_for_a_password_in_vain() -> None:
    def never(prompt: str) -> str:
        raise AssertionError(prompt)

    with pytest.raises(UsageError):
        read_invocation(read_flags(["--ask-pass"], {}), {}, never)


def test_passwords_are_kept_out_of_texts() -> None:
    found = invoke(*BASE, "--url=mysql://u:url-secret@h", "--password=flag-secret")
    assert "secret" not in repr(found)
    assert redaction.redact("url-secret, flag-secret") == "***, ***"
    assert any("list of processes" in note for note in found.notes)
    assert not invoke(*BASE, GHOSTPY_URL="mysql://u:url-secret@h").notes


@pytest.mark.parametrize(
    ("conf", "arguments", "socket"),
    [
        ("socket=/run/s", [], "/run/s"),
        ("socket=/run/s\nhost=localhost", [], "/run/s"),
        ("socket=/run/s\nhost=db", [], None),
        ("socket=/run/s", ["--host=db"], None),
        ("socket=/run/s", ["--url=mysql://db"], None),
        ("socket=/run/s", ["--url=mysql://?socket=%2Frun%2Ft"], "/run/t"),
    ],
)
def test_unix_socket(tmp_path: Path, conf: str, arguments: list[str], socket: str | None) -> None:
    file = tmp_path / "my.cnf"
    file.write_text(f"[client]\n{conf}\n")
    assert connect(f"--conf={file}", *arguments).unix_socket == socket
