"""Whatever is typed, or stands in a file, is read or refused in words: never an error of Python's own. Long in `make soak`."""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ghostpy.cli.address import parse_address
from ghostpy.cli.batch_plan import read_plan
from ghostpy.cli.conf_file import read_conf_file
from ghostpy.cli.config_file import find_config
from ghostpy.cli.flag import Kind
from ghostpy.cli.flag_table import FLAGS
from ghostpy.cli.flags import check_flags, read_flags
from ghostpy.cli.invocation import read_invocation
from ghostpy.cli.main import main
from ghostpy.cli.process_list import mask
from ghostpy.cli.secret_text import masked
from ghostpy.errors import GhostpyError
from ghostpy.planning import postgres_alter
from ghostpy.planning.alter import parse_alter
from ghostpy.planning.expressions import expression_findings
from ghostpy.throttle import deadlines, http_check, loads, windows

LENGTHS = [pytest.param(60, id="short"), pytest.param(6000, id="long", marks=pytest.mark.soak)]
_NOW = datetime(2026, 11, 25, 22, 0, tzinfo=UTC)
_ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
_SQL = [
    "ALTER",
    "TABLE",
    "ADD",
    "COLUMN",
    "DROP",
    "MODIFY",
    "CHANGE",
    "RENAME",
    "TO",
    "t",
    "x",
    "INT",
    "VARCHAR",
    "(20)",
    "DEFAULT",
    "NOT",
    "NULL",
    "''",
    "'a'",
    '"q"',
    "`b`",
    "`a`.`b`",
    ",",
    ";",
    "--",
    "/*",
    "*/",
    "/*!",
    "*/",
    "#",
    "(",
    ")",
    "ALGORITHM=INSTANT",
    "PARTITION",
    "BY",
    "RANGE",
    "USING",
    "x::int",
    "ALTER",
    "TYPE",
    "SET",
    "$$",
    "$a$",
    "E'\\'",
    "U&'\\00'",
    "1e9",
    "0x1F",
    "\\",
    "\n",
    "\x00",
    "🚀",
    "`",
    "'",
    '"',
    "CHECK",
    "FOREIGN",
    "KEY",
    "REFERENCES",
    "CONSTRAINT",
    "INDEX",
    "UNIQUE",
    "IF",
    "EXISTS",
    "public.t",
    "CREATE",
    "ON",
    "NOW()",
    "RAND()",
    "SELECT",
]
_STATEMENT = st.lists(st.one_of(st.sampled_from(_SQL), _ANY), max_size=14).map(" ".join)
_VALUES = st.one_of(
    st.sampled_from(
        ["", "0", "-1", "1", "9" * 30, "1e400", "nan", "inf", "0x1F", "0o8", "true", "maybe", "mysql://u:p@h:1/d", "postgresql://h/d?x=1", "://",
         "mysql://[::1", "mysql://h:99999/d", "postgresql://%zz", "a=b", "=", ",", "a=1,b", "Mon-Fri 22:00-06:00 Europe/Berlin", "25:00-26:00",
         "Mon-Mon 00:00-00:00", "6h", "window", "-", "--", "\0", "\n", "/", "/tmp", "/nonexistent/x", ".", "http://", "http://[", "x" * 5000, "${X}",
         '"', "'", "`", "[", "{", "\\", "%", "%(x)s", "🚀", "t", "shop.t", "ADD x INT", "x=1", "id > 0"]
    ),
    _ANY,
    _STATEMENT,
)  # fmt: skip
_FLAG = st.one_of(
    st.tuples(st.sampled_from(sorted(FLAGS)), _VALUES).map(lambda pair: [f"--{pair[0]}={pair[1]}"]),
    st.tuples(st.sampled_from(sorted(FLAGS)), _VALUES).map(lambda pair: [f"-{pair[0]}", pair[1]]),
    st.sampled_from(sorted(name for name, flag in FLAGS.items() if flag.kind is Kind.SWITCH)).map(
        lambda name: [f"--{name}"]
    ),
    _VALUES.map(lambda text: [text]),
    _ANY.map(lambda text: [f"--{text}"]),
)
_ARGUMENTS = st.lists(_FLAG, max_size=6).map(lambda parts: [each for part in parts for each in part])
_TOML = st.lists(
    st.one_of(
        st.tuples(st.sampled_from([*sorted(FLAGS), "name", "after", "jobs", "log-dir", "profile"]), st.sampled_from(
            ["1", "-1", "1.5", "true", '"x"', '"1"', '"\\u0000"', "[1]", '["a"]', "{}", "{a=1}", "1979-05-27", "nan", "inf", "''", '"""', "["]
        )).map(" = ".join),
        st.sampled_from(["[profile.x]", "[[migration]]", "[migration]", "[profile]", "[a.b.c]", "migration = 1", "profile = 1", "# x", "[", "= 1"]),
        _ANY,
    ),
    max_size=10,
).map("\n".join)  # fmt: skip
_INI = st.lists(
    st.one_of(
        st.sampled_from(["[client]", "[mysql]", "[client", "user", "user=", "user=x", "password=${X}", "password=${", "port=x", "port=99999999999",
                         "socket=/x", "!include /etc/passwd", "host=", "=x", "\ufeff[client]", "user = 'x", "%(x)s=%(y)s", "[DEFAULT]"]),
        _ANY,
    ),
    max_size=8,
).map("\n".join)  # fmt: skip


def _fuzzed(examples: int, check: Callable[[object], None], what: st.SearchStrategy[object]) -> None:
    given(what)(settings(max_examples=examples, suppress_health_check=list(HealthCheck))(check))()


def _silent(argv: Sequence[str]) -> tuple[int, str]:
    """The exit code of a call, and what it said to stderr."""
    told = io.StringIO()
    with contextlib.redirect_stderr(told), contextlib.redirect_stdout(io.StringIO()):
        code = main(list(argv))
    return code, told.getvalue()


def _refuses(read: Callable[[str], object]) -> Callable[[str], None]:
    def check(text: str) -> None:
        with contextlib.suppress(GhostpyError):
            read(text)

    return check


_TEXTS: dict[str, tuple[Callable[[str], object], st.SearchStrategy[str]]] = {
    "ALTER on MySQL": (parse_alter, _STATEMENT),
    "ALTER on PostgreSQL": (postgres_alter.parse_alter, _STATEMENT),
    "expression": (lambda text: expression_findings("it", text), _STATEMENT),
    "URL": (parse_address, st.one_of(_VALUES, _VALUES.map(lambda text: f"mysql://{text}"), _VALUES.map(lambda text: f"postgresql://{text}"))),
    "load list": (loads.parsed, _VALUES),
    "window": (windows.parsed, _VALUES),
    "deadline": (lambda text: deadlines.deadline(text, _NOW, windows.parsed("")), _VALUES),
    "address to ask": (http_check.checked, _VALUES),
    "text to mask": (masked, _VALUES),
    "argument to mask": (lambda text: mask([text, f"--url={text}", "--password", text]), _VALUES),
}  # fmt: skip


@pytest.mark.parametrize("examples", LENGTHS)
@pytest.mark.parametrize("what", _TEXTS)
def test_texts(what: str, examples: int) -> None:
    read, texts = _TEXTS[what]
    _fuzzed(examples, _refuses(read), texts)  # type: ignore[arg-type]


@pytest.mark.parametrize("examples", LENGTHS)
def test_flags(examples: int) -> None:
    def check(argv: list[str]) -> None:
        with contextlib.suppress(GhostpyError):
            values = read_flags(argv, {})
            check_flags(values)
            read_invocation(values, {}, lambda prompt: "typed")

    _fuzzed(examples * 3, check, _ARGUMENTS)  # type: ignore[arg-type]


@pytest.mark.parametrize("examples", LENGTHS)
def test_variables(examples: int) -> None:
    def check(pairs: list[tuple[str, str]]) -> None:
        environment = {FLAGS[name].variable: text for name, text in pairs}
        with contextlib.suppress(GhostpyError):
            values = read_flags([], environment)
            check_flags(values)
            read_invocation(values, environment, lambda prompt: "typed")

    _fuzzed(examples, check, st.lists(st.tuples(st.sampled_from(sorted(FLAGS)), _VALUES), max_size=5))  # type: ignore[arg-type]


@pytest.mark.parametrize("examples", LENGTHS)
@pytest.mark.parametrize("read", ["configuration", "list of migrations", "conf"])
def test_files(read: str, examples: int, tmp_path: Path) -> None:
    path = tmp_path / "file"

    def check(content: str | bytes) -> None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        path.chmod(0o600)
        with contextlib.suppress(GhostpyError):
            if read == "configuration":
                find_config(str(path), "x", [])
            elif read == "conf":
                read_conf_file(str(path), {})
            else:
                read_plan(str(path))

    _fuzzed(examples, check, st.one_of(_INI if read == "conf" else _TOML, st.binary(max_size=60)))  # type: ignore[arg-type]


# Nothing of these calls reaches a server: they fail before that, or end there.
_CALLS: dict[str, Sequence[str]] = {
    "config": (),
    "verify": ("--max-differences=-1",),
    "cleanup": ("--alter=x",),
    "batch": (),
    "control": ("--socket=/nonexistent/socket",),
    "list": ("--nonsense",),
    "top": ("--nonsense",),
    "completion": ("none",),
}


@pytest.mark.parametrize("examples", LENGTHS)
@pytest.mark.parametrize("command", _CALLS)
def test_commands(command: str, examples: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("GHOSTPY_", "MYSQL", "PG"))]:
        monkeypatch.delenv(name)

    def check(argv: list[str]) -> None:
        with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
            # Those that ask a person, and those that ask for a trace.
            safe = [each for each in argv if not any(name in each for name in ("ask-pass", "debug", "stack"))]
            code, told = _silent([command, *_CALLS[command], *safe])
        assert code in (0, 2, *([4] if command == "control" else [])), (code, told)
        assert "Traceback" not in told
        assert "defect" not in told

    _fuzzed(examples, check, _ARGUMENTS)  # type: ignore[arg-type]
