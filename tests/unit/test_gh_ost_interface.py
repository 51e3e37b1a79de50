"""gh-ost's complete list of flags: each is accepted with its default and its bounds, or refused by name with the reason in the docs."""

from __future__ import annotations

from pathlib import Path

import pytest

from ghostpy.cli.flag import Flag, Kind, Status
from ghostpy.cli.flag_table import FLAGS, REQUIREMENTS
from ghostpy.cli.flags import FlagValues, check_flags, read_flags
from ghostpy.cli.invocation import Invocation, read_invocation
from ghostpy.errors import UsageError

_DOCS = Path(__file__).parents[2] / "docs"

# Section, and the names in it. Bounds: name[lowest..highest]; what is beyond is taken as the bound.
INTERFACE = {
    "what to migrate": "database table alter execute attempt-instant-ddl storage-engine force-table-names",
    "connection": """host port user password ask-pass conf assume-master-host master-user master-password mysql-timeout charset
        ssl ssl-ca ssl-cert ssl-key ssl-allow-insecure skip-port-validation aliyun-rds gcp azure replica-server-id
        binlogsyncer-max-reconnect-attempts gtid""",
    "topology": """allow-on-master allow-master-master tungsten test-on-replica test-on-replica-skip-replica-stop
        migrate-on-replica switch-to-rbr assume-rbr""",
    "copy": """chunk-size[10..100000] dml-batch-size[1..1000] default-retries nice-ratio[0..100] exact-rowcount concurrent-rowcount
        panic-on-warnings allow-nullable-unique-key approve-renamed-columns skip-renamed-columns skip-strict-mode
        allow-zero-in-date discard-foreign-keys skip-foreign-key-checks initially-drop-ghost-table initially-drop-old-table
        ok-to-drop-table timestamp-old-table""",
    "throttling": """max-lag-millis[100..] heartbeat-interval-millis[100..1000] throttle-control-replicas throttle-query throttle-http
        throttle-http-interval-millis throttle-http-timeout-millis ignore-http-errors throttle-flag-file
        throttle-additional-flag-file max-load critical-load critical-load-interval-millis critical-load-hibernate-seconds
        replication-lag-query""",
    "cut-over": """cut-over cut-over-lock-timeout-seconds cut-over-exponential-backoff exponential-backoff-max-interval[2..]
        postpone-cut-over-flag-file force-named-cut-over force-named-panic panic-flag-file
        allow-setup-metadata-lock-instruments skip-metadata-lock-check analyze-ghost-table-before-cutover""",
    "resume": "checkpoint checkpoint-seconds resume revert old-table",
    "triggers": "include-triggers trigger-suffix remove-trigger-suffix-if-exists",
    "socket": "serve-socket-file serve-tcp-port initially-drop-socket-file",
    "hooks": "hooks-path hooks-hint hooks-hint-owner hooks-hint-token hooks-status-interval",
    "misc": "statsd-addr statsd-tags runtime-metrics-interval verbose debug quiet stack help version check-flag",
}
NAMES = [word.partition("[")[0] for text in INTERFACE.values() for word in text.split()]
BOUNDS = {
    word.partition("[")[0]: tuple(word.partition("[")[2].rstrip("]").split(".."))
    for text in INTERFACE.values()
    for word in text.split()
    if "[" in word
}
EXCLUSIONS = [
    ("allow-on-master", "test-on-replica"),
    ("allow-on-master", "migrate-on-replica"),
    ("migrate-on-replica", "test-on-replica"),
    ("switch-to-rbr", "assume-rbr"),
    ("revert", "resume"),
]
# A value that is not the default, where any text or number will not do.
SAMPLES = {"url": "mysql://h", "cut-over": "two-step", "storage-engine": "rocksdb", "trigger-suffix": "_new"}


def sample(flag: Flag) -> list[str]:
    """The flag with a value other than its default, and what it needs beside it."""
    match flag.kind:
        case Kind.SWITCH:
            value = "false" if flag.default else "true"
        case Kind.WHOLE | Kind.FRACTION:
            value = str(int(float(str(flag.default))) + 20)
        case _:
            value = SAMPLES.get(flag.name, "x")
    needed = [FLAGS[each.needs] for each in REQUIREMENTS if each.flag == flag.name]
    beside = [
        f"{each.spelled}={'true' if each.kind is Kind.SWITCH else SAMPLES.get(each.name, 'x')}" for each in needed
    ]
    return [f"{flag.spelled}={value}", *beside]


def refusal(values: FlagValues) -> str:
    """Why the flags cannot be used; nothing where they can."""
    try:
        check_flags(values)
    except UsageError as error:
        return error.message
    return ""


def test_the_list_is_whole() -> None:
    assert len(NAMES) == len(set(NAMES)) == 108
    assert set(NAMES) == {flag.name for flag in FLAGS.values() if not flag.ours}


@pytest.mark.parametrize("name", NAMES)
def test_each_is_accepted_or_refused_by_name(name: str) -> None:
    flag, page = FLAGS[name], (_DOCS / "flags.md").read_text()
    row = next(line for line in page.splitlines() if line.startswith(f"| `--{name}` |"))
    values = read_flags(sample(flag), {})
    assert values.given(name)
    if flag.status in (Status.WORKS, Status.NO_OP):
        # What it needs beside it may be refused.
        assert not any(text in refusal(values) for text in (f"--{name} is", f"--{name}="))
        told = [note for note in values.notes if note.startswith(f"--{name} has nothing to do: {flag.reason}")]
        assert bool(told) is (flag.status is Status.NO_OP)
    else:
        with pytest.raises(UsageError) as refused:
            check_flags(values)
        assert f"--{name}" in refused.value.message
        assert flag.reason in refused.value.message
    assert flag.reason.replace("|", "\\|") in row


@pytest.mark.parametrize("name", NAMES)
def test_defaults_ask_for_nothing(name: str) -> None:
    flag = FLAGS[name]
    if flag.kind is Kind.SEVERAL or name == "throttle-additional-flag-file":
        return
    values = read_flags(
        [f"{flag.spelled}={str(flag.default).lower() if flag.kind is Kind.SWITCH else flag.default}"], {}
    )
    assert values.value(name) == flag.default
    check_flags(values)


def called(*flags: str) -> Invocation:
    values = read_flags(["--database=d", "--table=t", "--alter=ADD x INT", *flags], {})
    check_flags(values)
    return read_invocation(values, {}, lambda prompt: "")


@pytest.mark.parametrize(("name", "bounds"), BOUNDS.items())
def test_bounds(name: str, bounds: tuple[str, str]) -> None:
    low, high = bounds
    flag = FLAGS[name]
    assert (flag.low, flag.high) == (float(low), float(high) if high else None)
    if flag.status is not Status.WORKS:
        return
    below = read_flags([f"--{name}={int(low) - 1}"], {})
    assert below.value(name) == float(low)
    assert "out of bounds" in below.notes[0]
    if high:
        above = read_flags([f"--{name}={int(high) + 1}"], {})
        assert above.value(name) == float(high)


def test_numbers_that_are_left_at_their_default() -> None:
    for seconds in (0, 11):
        found = called(f"--cut-over-lock-timeout-seconds={seconds}")
        assert found.settings.cut_over.lock_timeout == 3
        assert "not between 1 and 10" in found.notes[0]
    assert called("--cut-over-lock-timeout-seconds=10").settings.cut_over.lock_timeout == 10
    for retries in (0, -5):
        assert called(f"--default-retries={retries}").settings.copy.retries == 60


@pytest.mark.parametrize("value", ["atomic", "default", ""])
def test_names_of_the_one_cut_over(value: str) -> None:
    check_flags(read_flags([f"--cut-over={value}"], {}))


@pytest.mark.parametrize(("one", "other"), EXCLUSIONS)
def test_exclusions(one: str, other: str) -> None:
    with pytest.raises(UsageError, match="exclude each other"):
        check_flags(read_flags([f"--{one}", f"--{other}"], {}))


@pytest.mark.parametrize(
    "flag", ["master-user=x", "master-password=x", "revert", "include-triggers", "trigger-suffix=x"]
)
def test_needs(flag: str) -> None:
    with pytest.raises(UsageError, match=f"--{flag.partition('=')[0]} needs --"):
        check_flags(read_flags([f"--{flag}"], {}))


@pytest.mark.parametrize("flag", ["ssl-ca=x", "ssl-allow-insecure"])
def test_tls_flags_need_tls(flag: str) -> None:
    with pytest.raises(UsageError, match="can only be used with --ssl"):
        called(f"--{flag}")
