"""Calls of `ghostpy backfill` that are refused before a server is asked, and the decisions that need none."""

from __future__ import annotations

import pytest

from ghostpy.cli.main import main
from ghostpy.planning.backfill import expressions, other_rows, text_of, value_sql

Capture = pytest.CaptureFixture[str]


@pytest.mark.parametrize("url", ["mysql://nobody@127.0.0.1:1/d", "postgresql://nobody@127.0.0.1:1/d"])
@pytest.mark.parametrize(
    ("flags", "told"),
    [
        ((), "--set (what to update) must be given"),
        (
            ("--set=amount",),
            "--set 'amount' is not of the form column=expression. Nothing was changed. For example: --set ",
        ),
        (("--set=amount = 1", "--set=amount = 2"), "twice"),
        (("--set=amount = 1, name = 2",), "one --set is for one column"),
        (("--set=amount = 1) WHERE id = (1",), "parenthes"),
        (("--set=amount = 1; DROP TABLE t",), "more than one statement"),
        (("--set=amount =",), "empty"),
        (("--set=amount = 1", "--where=id = 1)"), "parenthes"),
        (("--set=amount = 1", "--alter=ADD d INT"), "--alter"),
        (("--set=amount = 1", "--resume", "--restart"), "exclude each other"),
    ],
)
def test_wrong_calls(capsys: Capture, url: str, flags: tuple[str, ...], told: str) -> None:
    assert main(["backfill", f"--url={url}", "--table=t", "--execute", *flags]) == 2
    shown = capsys.readouterr()
    assert told in shown.err
    assert shown.out == ""


def test_help(capsys: Capture) -> None:
    assert main(["backfill", "--help"]) == 0
    assert "each row exactly once" in capsys.readouterr().out


def test_a_default_stands_without_parentheses() -> None:
    assert [value_sql(text) for text in ("DEFAULT", " default ", "a + 1")] == ["DEFAULT", "DEFAULT", "(a + 1)"]


def test_the_whole_statement() -> None:
    assert text_of("t", [("a", "1"), ("b", "a")], "c > 2") == "UPDATE t SET a = 1, b = a WHERE c > 2"
    assert text_of("t", [("a", "1")], None) == "UPDATE t SET a = 1"


def test_queries_are_found_where_they_are() -> None:
    assert expressions([("a", "1")], "b") == [("--set a", "1"), ("--where", "b")]
    found = other_rows([("--set a", ["SELECT", "MAX"]), ("--where", ["B"]), ("--set b", ["TABLE"])])
    assert [(finding.code, finding.text.partition(":")[0]) for finding in found] == [
        ("expression-reads-rows", "--set a uses SELECT"),
        ("expression-reads-rows", "--set b uses TABLE"),
    ]
