"""Flags as gh-ost's users write them: every name, Go's spellings, bounds, exclusions and refusals."""

from __future__ import annotations

import pytest

from ghostpy.cli.flag import Flag, Kind, Status
from ghostpy.cli.flag_table import FLAGS
from ghostpy.cli.flags import FlagValues, check_flags, read_flags
from ghostpy.cli.help_text import flag_reference, migrate_help
from ghostpy.errors import UsageError

# Name, default and kind of every flag of gh-ost.
GH_OST = """
database= table= alter= execute! attempt-instant-ddl! storage-engine=innodb force-table-names=
host=127.0.0.1 port:3306 user= password= ask-pass! conf= assume-master-host= master-user= master-password=
mysql-timeout~0 charset=utf8mb4,utf8,latin1 ssl! ssl-ca= ssl-cert= ssl-key= ssl-allow-insecure! skip-port-validation!
aliyun-rds! gcp! azure! replica-server-id:99999 binlogsyncer-max-reconnect-attempts:0 gtid!
allow-on-master! allow-master-master! tungsten! test-on-replica! test-on-replica-skip-replica-stop! migrate-on-replica!
switch-to-rbr! assume-rbr!
chunk-size:1000 dml-batch-size:10 default-retries:60 nice-ratio~0 exact-rowcount! concurrent-rowcount!! panic-on-warnings!
allow-nullable-unique-key! approve-renamed-columns! skip-renamed-columns! skip-strict-mode! allow-zero-in-date!
discard-foreign-keys! skip-foreign-key-checks! initially-drop-ghost-table! initially-drop-old-table! ok-to-drop-table!
timestamp-old-table!
max-lag-millis:1500 heartbeat-interval-millis:100 throttle-control-replicas= throttle-query= throttle-http=
throttle-http-interval-millis:100 throttle-http-timeout-millis:1000 ignore-http-errors! throttle-flag-file=
throttle-additional-flag-file=/tmp/gh-ost.throttle max-load= critical-load= critical-load-interval-millis:0
critical-load-hibernate-seconds:0 replication-lag-query=
cut-over=atomic cut-over-lock-timeout-seconds:3 cut-over-exponential-backoff! exponential-backoff-max-interval:64
postpone-cut-over-flag-file= force-named-cut-over! force-named-panic! panic-flag-file=
allow-setup-metadata-lock-instruments! skip-metadata-lock-check! analyze-ghost-table-before-cutover!
checkpoint! checkpoint-seconds:10 resume! revert! old-table=
include-triggers! trigger-suffix= remove-trigger-suffix-if-exists!
serve-socket-file= serve-tcp-port:0 initially-drop-socket-file!
hooks-path= hooks-hint= hooks-hint-owner= hooks-hint-token= hooks-status-interval:60
statsd-addr= statsd-tags* runtime-metrics-interval:10
verbose! debug! quiet! stack! help! version! check-flag!
"""


def _expected() -> dict[str, tuple[Kind, object]]:
    found: dict[str, tuple[Kind, object]] = {}
    for word in GH_OST.split():
        if word.endswith("!"):
            found[word.rstrip("!")] = (Kind.SWITCH, word.endswith("!!"))
        elif word.endswith("*"):
            found[word[:-1]] = (Kind.SEVERAL, ())
        elif "=" in word:
            name, _, default = word.partition("=")
            found[name] = (Kind.TEXT, default)
        elif "~" in word:
            found[word.partition("~")[0]] = (Kind.FRACTION, 0.0)
        else:
            name, _, default = word.partition(":")
            found[name] = (Kind.WHOLE, int(default))
    return found


def read(*arguments: str, **environment: str) -> FlagValues:
    return read_flags(arguments, environment)


def test_all_flags_of_gh_ost_are_there_and_no_others_pass_for_them() -> None:
    expected = _expected()
    assert len(expected) == 108
    theirs = {name: (flag.kind, flag.default) for name, flag in FLAGS.items() if not flag.ours}
    assert theirs == expected


@pytest.mark.parametrize("flag", FLAGS.values(), ids=FLAGS.keys())
def test_the_table_is_whole(flag: Flag) -> None:
    assert flag.meaning.endswith(".")
    assert bool(flag.reason) == (flag.status is not Status.WORKS)
    assert not flag.reason.endswith(".")
    assert flag.spelled in migrate_help(100)
    assert f"`{flag.spelled}`" in flag_reference()


def test_defaults_are_never_refused_unless_given() -> None:
    values = read()
    check_flags(values)
    assert values.notes == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["-table=x"],
        ["--table=x"],
        ["-table", "x"],
        ["--table", "x"],
        ["--table=y", "--table=x"],
        ["--table", "y", "-table", "x"],
        ["--table=x", "--"],
    ],
)
def test_spellings_of_a_text(arguments: list[str]) -> None:
    assert read(*arguments).text("table") == "x"


def test_values_may_look_like_flags_or_hold_equals_signs() -> None:
    values = read("--alter", "-x", "--where=a=b", "--table", "", "--transform", "a=b=c", "--transform=d=e")
    assert values.text("alter") == "-x"
    assert values.text("where") == "a=b"
    assert values.given("table")
    assert values.text("table") == ""
    assert values.several("transform") == ("a=b=c", "d=e")


@pytest.mark.parametrize("spelling", ["1", "t", "T", "true", "TRUE", "True"])
def test_true(spelling: str) -> None:
    assert read(f"--execute={spelling}").switch("execute") is True


@pytest.mark.parametrize("spelling", ["0", "f", "F", "false", "FALSE", "False"])
def test_false(spelling: str) -> None:
    assert read(f"-concurrent-rowcount={spelling}").switch("concurrent-rowcount") is False
    assert read("--execute", f"--execute={spelling}").switch("execute") is False


@pytest.mark.parametrize(
    ("spelling", "number"),
    [("250", 250), ("0x3e8", 1000), ("0b1111", 15), ("0o17", 15), ("017", 15), ("1_000", 1000), ("+12", 12)],
)
def test_whole_numbers_as_go_reads_them(spelling: str, number: int) -> None:
    assert read(f"--chunk-size={spelling}").whole("chunk-size") == number


@pytest.mark.parametrize(("spelling", "number"), [("0.5", 0.5), ("1e1", 10.0), (".25", 0.25), ("3", 3.0)])
def test_fractions(spelling: str, number: float) -> None:
    assert read(f"--nice-ratio={spelling}").fraction("nice-ratio") == number


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--databse=x"], "Did you mean --database?"),
        (["--chunk_size=5"], "Did you mean --chunk-size?"),
        (["--zzzzzz"], "no flag --zzzzzz"),
        (["---table=x"], "no flag"),
        (["-=x"], "no flag"),
        (["--table"], "--table needs a value"),
        (["--port", "x"], "--port must be a whole number, not 'x'"),
        (["--port=1.5"], "whole number"),
        (["--port="], "whole number"),
        (["--port= 5"], "whole number"),
        (["--port=99999999999999999999"], "whole number"),
        (["--nice-ratio=nan"], "must be a number"),
        (["--nice-ratio=inf"], "must be a number"),
        (["--nice-ratio=fast"], "must be a number"),
        (["--execute=yes"], "must be true or false, not 'yes'"),
        (["--execute", "false"], "must be written --execute=false"),
        (["--alter", "add", "x"], "'x' belongs to no flag"),
        (["stray"], "'stray' belongs to no flag"),
        (["-"], "'-' belongs to no flag"),
        (["--", "--table"], "'--table' belongs to no flag"),
    ],
)
def test_cannot_be_read(arguments: list[str], told: str) -> None:
    with pytest.raises(UsageError) as caught:
        read(*arguments)
    assert told in caught.value.message


def test_the_rest_of_a_secret_is_not_repeated() -> None:
    with pytest.raises(UsageError) as caught:
        read("--password", "correct", "horse")
    assert "horse" not in str(caught.value)


def test_environment() -> None:
    values = read(
        "--port=1",
        GHOSTPY_PORT="2",
        GHOSTPY_TABLE="t",
        GHOSTPY_EXECUTE="true",
        GHOSTPY_TRANSFORM="a=1\nb=2",
        GHOSTPY_HELP="true",
        GHOSTPY_USER="",
        GHOSTPY_SOMETHING_ELSE="x",
    )
    assert (values.whole("port"), values.text("table"), values.switch("execute")) == (1, "t", True)
    assert values.several("transform") == ("a=1", "b=2")
    assert not values.switch("help")
    assert not values.given("user")


def test_several_on_the_command_line_replace_those_of_the_environment() -> None:
    assert read("--transform=c=3", GHOSTPY_TRANSFORM="a=1").several("transform") == ("c=3",)


def test_a_bad_value_in_the_environment_names_its_variable() -> None:
    with pytest.raises(UsageError, match="GHOSTPY_PORT must be a whole number"):
        read(GHOSTPY_PORT="x")


@pytest.mark.parametrize(
    ("argument", "name", "value"),
    [
        ("--chunk-size=5", "chunk-size", 10),
        ("--chunk-size=-5", "chunk-size", 10),
        ("--chunk-size=100001", "chunk-size", 100_000),
        ("--heartbeat-interval-millis=1", "heartbeat-interval-millis", 100),
        ("--heartbeat-interval-millis=5000", "heartbeat-interval-millis", 1000),
        ("--nice-ratio=-1", "nice-ratio", 0.0),
        ("--nice-ratio=101", "nice-ratio", 100.0),
        ("--exponential-backoff-max-interval=1", "exponential-backoff-max-interval", 2),
        ("--binlogsyncer-max-reconnect-attempts=-1", "binlogsyncer-max-reconnect-attempts", 0),
        ("--workers=0", "workers", 1),
        ("--max-backlog=1", "max-backlog", 1000),
        ("--chunk-time=60", "chunk-time", 10.0),
    ],
)
def test_bounds(argument: str, name: str, value: float) -> None:
    values = read(argument)
    assert values.value(name) == value
    assert type(values.value(name)) is type(FLAGS[name].default)
    assert len(values.notes) == 1
    assert f"--{name}" in values.notes[0]
    assert str(value) in values.notes[0]


def test_nothing_is_noted_within_the_bounds() -> None:
    assert read("--chunk-size=10", "--nice-ratio=100").notes == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["--allow-on-master", "--test-on-replica"],
        ["--allow-on-master", "--migrate-on-replica"],
        ["--migrate-on-replica", "--test-on-replica"],
        ["--switch-to-rbr", "--assume-rbr"],
        ["--revert", "--resume"],
    ],
)
def test_exclusions(arguments: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        check_flags(read(*arguments))
    assert "exclude each other" in caught.value.message
    assert all(argument in caught.value.message for argument in arguments)
    check = read(arguments[0], f"{arguments[1]}=false")
    if FLAGS[arguments[0].lstrip("-")].status is Status.NO_OP:
        check_flags(check)


@pytest.mark.parametrize(
    ("argument", "needed"),
    [
        ("--master-user=u", "--assume-master-host"),
        ("--master-password=p", "--assume-master-host"),
        ("--test-on-replica-skip-replica-stop", "--test-on-replica"),
        ("--revert", "--old-table"),
        ("--include-triggers", "--trigger-suffix"),
        ("--trigger-suffix=x", "--include-triggers"),
    ],
)
def test_requirements(argument: str, needed: str) -> None:
    with pytest.raises(UsageError, match=f"needs {needed}"):
        check_flags(read(argument))


def _another(name: str) -> str:
    flag = FLAGS[name]
    if flag.kind is Kind.SWITCH:
        return f"--{name}={str(not flag.default).lower()}"
    return f"--{name}={7777 if flag.kind in (Kind.WHOLE, Kind.FRACTION) else 'something'}"


@pytest.mark.parametrize("name", [flag.name for flag in FLAGS.values() if flag.status is Status.LATER])
def test_later_flags_are_refused_by_name(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_flags(read(_another(name)))
    assert f"--{name} is not available in this version: " in caught.value.message
    assert caught.value.exit_code == 2
    with pytest.raises(UsageError, match=FLAGS[name].variable):
        check_flags(read_flags([], {FLAGS[name].variable: _another(name).partition("=")[2]}))


@pytest.mark.parametrize("name", [flag.name for flag in FLAGS.values() if flag.status is Status.REFUSED])
def test_refused_flags_are_refused_by_name(name: str) -> None:
    with pytest.raises(UsageError, match=f"--{name}.* is not supported: "):
        check_flags(read(_another(name)))


@pytest.mark.parametrize("name", [flag.name for flag in FLAGS.values() if flag.status is Status.NO_OP])
def test_flags_with_nothing_to_do_say_so_in_one_line(name: str) -> None:
    values = read(_another(name))
    check_flags(values)
    assert [note for note in values.notes if note.startswith(f"--{name} has nothing to do: ")] == values.notes


@pytest.mark.parametrize(
    "argument",
    [
        "--throttle-flag-file=",
        "--throttle-additional-flag-file=",
        "--test-on-replica=false",
        "--max-lag-millis=1500",
        "--max-load=",
        "--critical-load=",
        "--hooks-path=",
        "--hooks-status-interval=60",
        "--serve-tcp-port=0",
        "--cut-over=atomic",
        "--cut-over=default",
        "--cut-over=",
        "--storage-engine=innodb",
        "--storage-engine=InnoDB",
        "--skip-strict-mode=false",
        "--checkpoint-seconds=300",
        "--resume=false",
        "--statsd-addr=",
    ],
)
def test_neutral_values_are_accepted(argument: str) -> None:
    check_flags(read(argument))


@pytest.mark.parametrize(
    "argument",
    ["--cut-over=two-step", "--storage-engine=rocksdb"],
)
def test_other_values_are_refused(argument: str) -> None:
    with pytest.raises(UsageError):
        check_flags(read(argument))


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(UsageError) as caught:
        check_flags(read("--include-triggers", "--skip-strict-mode", "--revert", "--resume"))
    for name in ("--include-triggers", "--skip-strict-mode", "--revert", "--resume", "--old-table"):
        assert name in caught.value.message


def test_secrets_are_not_shown() -> None:
    values = read("--password=hunter22", "--master-password=hunter33")
    assert "hunter" not in repr(values)
    with pytest.raises(UsageError) as caught:
        check_flags(values)
    assert "hunter" not in caught.value.message
