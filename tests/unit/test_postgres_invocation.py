"""Flags, environment, URL and files become settings for PostgreSQL, where libpq has the last word."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from ghostpy.cli import redaction
from ghostpy.cli.flags import check_flags, read_flags
from ghostpy.cli.invocation import Invocation, read_invocation
from ghostpy.errors import UsageError
from ghostpy.settings import ConnectSettings

BASE = ("--table=t", "--alter=ADD x int")


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No secrets of other tests, and nothing of libpq's in the environment."""
    monkeypatch.setattr(redaction, "_secrets", set())
    for name in list(os.environ):
        if name.startswith("PG"):
            monkeypatch.delenv(name)


def invoke(*arguments: str, **environment: str) -> Invocation:
    return read_invocation(read_flags(arguments, environment), environment, lambda prompt: f"typed for {prompt}")


def connect(*arguments: str, **environment: str) -> ConnectSettings:
    return invoke(*BASE, *arguments, **environment).settings.connect


def libpq(*arguments: str, **environment: str) -> dict[str, object]:
    return dict(conninfo_to_dict(connect(*arguments, **environment).dsn))


def refused(*arguments: str, **environment: str) -> str:
    with pytest.raises(UsageError) as caught:
        invoke(*arguments, **environment)
    return f"{caught.value.message} {caught.value.hint}"


def test_the_url_reaches_libpq_whole_but_for_the_password() -> None:
    found = connect("--url=postgresql://u:geheim@h:6432/d%20b?sslmode=verify-ca&options=-c%20a%3D'b'&connect_timeout=5")
    assert conninfo_to_dict(found.dsn) == {
        "user": "u",
        "host": "h",
        "port": "6432",
        "dbname": "d b",
        "sslmode": "verify-ca",
        "options": "-c a='b'",
        "connect_timeout": "5",
    }
    assert (found.dialect, found.password, found.address) == ("postgres", "geheim", "h:6432")
    assert "geheim" not in repr(found)
    assert redaction.redact("geheim") == "***"


def test_flags_stand_above_the_url_and_the_environment_below() -> None:
    url = "--url=postgresql://u@h:6432/d"
    flags = ("--host=other", "--port=7", "--user=me", "--database=e")
    assert libpq(url, *flags) == {"host": "other", "port": "7", "user": "me", "dbname": "e"}
    environment = {"GHOSTPY_HOST": "env", "GHOSTPY_PORT": "8", "GHOSTPY_USER": "they"}
    assert libpq(url, **environment) == {"host": "h", "port": "6432", "user": "u", "dbname": "d"}
    assert libpq("--url=postgresql:///d", **environment) == {"host": "env", "port": "8", "user": "they", "dbname": "d"}


def test_a_host_by_flag_takes_the_place_of_all_hosts_of_the_url() -> None:
    assert libpq("--url=postgresql://a:1,b:2/d?hostaddr=127.0.0.1,127.0.0.2", "--host=c") == {
        "host": "c",
        "dbname": "d",
    }


def test_of_several_hosts_the_primary_is_taken() -> None:
    url = "--url=postgresql://a,b/d"
    assert libpq(url)["target_session_attrs"] == "primary"
    assert libpq(f"{url}?target_session_attrs=any")["target_session_attrs"] == "any"
    assert "target_session_attrs" not in libpq(url, PGTARGETSESSIONATTRS="read-write")
    assert libpq("--url=postgresql://", PGHOST="a,b") == {"target_session_attrs": "primary"}
    assert "target_session_attrs" not in libpq("--url=postgresql://a/d")


def test_the_conf_file_stands_below_the_url(tmp_path: Path) -> None:
    conf = tmp_path / "my.cnf"
    conf.write_text("[client]\nuser = of_conf\nhost = conf_host\nport = 1111\npassword = of_conf_secret\n")
    found = connect(f"--conf={conf}", "--url=postgresql://h/d")
    assert conninfo_to_dict(found.dsn) == {"user": "of_conf", "host": "h", "port": "1111", "dbname": "d"}
    assert found.password == "of_conf_secret"


def test_what_nobody_says_is_left_to_libpq() -> None:
    found = connect("--url=postgresql://", MYSQL_PWD="mysql's own")
    assert found.dsn == ""
    assert found.password == ""
    assert found.address == "the local socket .s.PGSQL.5432"


@pytest.mark.parametrize(
    ("url", "environment", "address"),
    [
        ("postgresql://h", {}, "h:5432"),
        ("postgresql://h", {"PGPORT": "7"}, "h:7"),
        ("postgresql://", {"PGHOST": "e", "PGPORT": "7"}, "e:7"),
        ("postgresql://", {"PGHOST": "/run/pg"}, "/run/pg/.s.PGSQL.5432"),
        ("postgresql:///d?host=/run/pg&port=9", {"PGHOST": "e"}, "/run/pg/.s.PGSQL.9"),
        ("postgresql://%2Frun%2Fpg/d", {}, "/run/pg/.s.PGSQL.5432"),
        ("postgresql://a:1,b:2/d", {}, "a:1,b:2"),
        ("postgresql://a,b:/d", {}, "a:5432,b:5432"),
        ("postgresql:///d?hostaddr=10.0.0.1", {}, "10.0.0.1:5432"),
        ("postgresql://h:many/d", {}, "h:5432"),
    ],
)
def test_address_in_messages(
    url: str, environment: dict[str, str], address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert connect(f"--url={url}").address == address


def test_a_service_is_looked_up_by_libpq(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "services"
    file.write_text("[shop]\nhost=of_service\nport=6000\ndbname=shop\nuser=keeper\npassword=of_service_secret\n")
    monkeypatch.setenv("PGSERVICEFILE", str(file))
    found = invoke(*BASE, "--url=postgresql://?service=shop").settings
    assert found.connect.dsn == "service=shop"
    assert found.connect.address == "of_service:6000"
    assert (found.connect.user, found.target.database) == ("keeper", "shop")
    assert redaction.redact("of_service_secret") == "***"
    assert "PGSERVICE" not in os.environ


def test_secrets_of_the_environment_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", "of_environment")
    found = connect("--url=postgresql://h/d?sslpassword=of_key")
    assert found.password == ""  # libpq takes it by itself
    assert redaction.redact("of_environment of_key") == "*** ***"


def test_what_wins_for_the_password(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("of_file\n")
    url = "--url=postgresql://u:of_url@h/d"
    assert connect(url, GHOSTPY_PASSWORD="of_environment").password == "of_url"
    assert connect("--url=postgresql://u@h/d", GHOSTPY_PASSWORD="of_environment").password == "of_environment"
    assert connect(url, f"--password-file={file}").password == "of_file"
    assert connect(url, "--password=of_flag").password == "of_flag"
    assert connect(url, "--ask-pass").password == "typed for Password of u on h:5432: "
    assert connect("--url=postgresql://h?password=of_parameter").password == "of_parameter"


def test_database_of_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    def database(*arguments: str) -> str:
        return invoke(*BASE, *arguments).settings.target.database

    assert database("--url=postgresql://u@h/d") == "d"
    assert database("--url=postgresql://u@h/d", "--database=e") == "e"
    assert database("--url=postgresql://u@h") == "u"
    assert database("--url=postgresql://h", "--user=v") == "v"
    monkeypatch.setenv("PGDATABASE", "f")
    assert database("--url=postgresql://u@h") == "f"


@pytest.mark.parametrize(
    ("arguments", "parameters"),
    [
        ((), {}),
        (("--ssl",), {"sslmode": "verify-full", "sslrootcert": "system"}),
        (("--ssl", "--ssl-ca={pem}"), {"sslmode": "verify-full", "sslrootcert": "{pem}"}),
        (("--ssl", "--ssl-allow-insecure"), {"sslmode": "require"}),
        (("--ssl", "--ssl-allow-insecure", "--ssl-ca={pem}"), {"sslmode": "require"}),
        (("--ssl=false",), {"sslmode": "disable"}),
        (
            ("--ssl", "--ssl-ca={pem}", "--ssl-cert={pem}", "--ssl-key={pem}"),
            {"sslmode": "verify-full", "sslrootcert": "{pem}", "sslcert": "{pem}", "sslkey": "{pem}"},
        ),
    ],
)
def test_tls_flags(arguments: tuple[str, ...], parameters: dict[str, str], tmp_path: Path) -> None:
    pem = tmp_path / "a.pem"
    pem.touch()
    given = [each.format(pem=pem) for each in arguments]
    expected = {name: value.format(pem=pem) for name, value in parameters.items()}
    assert libpq("--url=postgresql://h", *given) == {"host": "h"} | expected


def test_tls_by_flag_and_url_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pem = tmp_path / "a.pem"
    pem.touch()
    ca = f"--ssl-ca={pem}"
    assert libpq("--url=postgresql://?sslmode=verify-ca", "--ssl", ca)["sslmode"] == "verify-ca"
    assert libpq("--url=postgresql://?sslmode=require", ca) == {"sslmode": "require", "sslrootcert": str(pem)}
    assert libpq("--url=postgresql://?sslmode=require", GHOSTPY_SSL="false") == {"sslmode": "require"}
    assert libpq("--url=postgresql://?sslmode=prefer", "--ssl", HOME=str(tmp_path))["sslrootcert"] == "system"
    (tmp_path / ".postgresql").mkdir()
    (tmp_path / ".postgresql" / "root.crt").touch()
    assert "sslrootcert" not in libpq("--url=postgresql://", "--ssl", HOME=str(tmp_path))
    assert libpq("--url=postgresql://", ca, PGSSLMODE="verify-full") == {"sslrootcert": str(pem)}
    url = (*BASE, "--url=postgresql://h")
    assert "--ssl-ca can only be used with --ssl" in refused(*url, ca)
    assert "--ssl-allow-insecure can only be used with --ssl" in refused(*url, "--ssl-allow-insecure")
    assert "together" in refused(*url, "--ssl", f"--ssl-cert={pem}")
    assert "there is no file no/such" in refused(*url, "--ssl", "--ssl-ca=no/such")


@pytest.mark.parametrize(
    ("arguments", "table"),
    [
        (["--table=t", "--alter=ADD x int"], "t"),
        (["--table=s.t", "--alter=ADD x int"], "s.t"),
        (['--table="My Schema"."T"', "--alter=ADD x int"], '"My Schema"."T"'),
        (["--alter=ALTER TABLE s.T ADD x int"], '"s"."t"'),
        (['--alter=ALTER TABLE ONLY "T" ADD x int'], '"T"'),
        (["--table=s.t", "--alter=ALTER TABLE s.t ADD x int; CREATE INDEX i ON s.t (x)"], "s.t"),
        (["--table=s.t", "--alter=ALTER TABLE t ADD x int"], "s.t"),
    ],
)
def test_which_table(arguments: list[str], table: str) -> None:
    target = invoke("--url=postgresql://h/d", *arguments).settings.target
    assert (target.database, target.table) == ("d", table)


def test_texts_are_read_by_postgresqls_rules() -> None:
    target = invoke(
        "--url=postgresql://h/d",
        "--table=s.t",
        "--alter=ADD x text DEFAULT $$a'b$$",
        "--where=a = $$'$$ ;",
        '--transform="My Column" = b || $$=$$',
        "--transform=upper=1",
        "--transform=Upper=2",
    ).settings.target
    assert target.where == "a = $$'$$"
    assert target.transforms == (("My Column", "b || $$=$$"), ("upper", "1"), ("Upper", "2"))


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--table=t"], ["--alter (what to change) or --desired (what to become) must be given"]),
        (["--alter=ADD x int"], ["--table must be given"]),
        (["--table=a.b.c", "--alter=ADD x int"], ["--table a.b.c", "schema.table"]),
        (['--table="a', "--alter=ADD x int"], ["--table", "no end"]),
        (["--alter=ALTER TABLE t ADD x int; ALTER TABLE u ADD x int"], ["t", "u"]),
        (["--table=t", "--alter=ADD x int DEFAULT 'a"], ["not closed"]),
        ([*BASE, "--where=a = $$x"], ["--where", "not closed"]),
        ([*BASE, "--where=1; DROP TABLE t"], ["--where", "more than one statement"]),
        ([*BASE, "--where=/* no */"], ["--where is empty"]),
        ([*BASE, "--transform=a"], ["column=expression"]),
        ([*BASE, "--transform=a = 1) FROM t; --"], ["--transform", "no opening one"]),
        ([*BASE, "--transform=a=1", '--transform="a"=2'], ["column a twice"]),
        ([*BASE, "--strategy=quick"], ["--strategy must be one of auto, shadow, online"]),
        ([*BASE, "--stream-reader=ear"], ["--stream-reader must be one of auto, walsender, peek"]),
        ([*BASE, "--port=70000"], ["--port"]),
    ],
)
def test_refused(arguments: list[str], told: list[str]) -> None:
    message = refused("--url=postgresql://h/d", *arguments)
    assert all(text in message for text in told), message


def test_flags_of_this_dialect() -> None:
    found = invoke(
        *BASE,
        "--url=postgresql://h/d",
        "--strategy=online",
        "--stream-reader=PEEK",
        "--refresh-materialized-views",
        "--allow-all-tables-publication",
    ).settings
    target = found.target
    assert (target.strategy, target.refresh_materialized, target.allow_all_tables) == ("online", True, True)
    assert found.connect.stream_reader == "peek"


@pytest.mark.parametrize(
    "flag", ["--stream-reader=peek", "--refresh-materialized-views", "--allow-all-tables-publication"]
)
def test_flags_of_this_dialect_are_refused_on_mysql(flag: str) -> None:
    with pytest.raises(UsageError, match=r"is not supported: only a postgresql:// server has it"):
        check_flags(read_flags([flag, "--url=mysql://h/d"], {}))
    check_flags(read_flags([flag, "--url=postgresql://h/d"], {}))


@pytest.mark.parametrize("flag", ["--skip-renamed-columns", "--switch-to-rbr", "--discard-foreign-keys"])
def test_flags_that_mean_nothing_good_here_are_refused(flag: str) -> None:
    with pytest.raises(UsageError, match=rf"{flag} is not supported"):
        check_flags(read_flags([flag, "--url=postgresql://h/d"], {}))


@pytest.mark.parametrize(
    "flags",
    [
        ["--attempt-instant-ddl"],
        ["--assume-rbr"],
        ["--gtid"],
        ["--replica-server-id=7"],
        ["--defer-secondary-indexes=off"],
        ["--include-triggers", "--trigger-suffix=_x"],
        ["--storage-engine=innodb"],
    ],
)
def test_flags_with_nothing_to_do_here_are_accepted(flags: list[str]) -> None:
    values = read_flags([*flags, "--url=postgresql://h/d"], {})
    check_flags(values)
    assert len(values.notes) == (0 if "--storage-engine=innodb" in flags else len(flags))
