"""What can be told of an expansion before a server is asked."""

from __future__ import annotations

import pytest

from ghostpy.dialects import expansion_text
from ghostpy.errors import CannotResume
from ghostpy.model.expansion import Expansion, ExpansionPhase, SideColumn
from ghostpy.model.names import TableName
from ghostpy.planning import postgres_tokens, sql_tokens
from ghostpy.planning.expansion import Reading, expansion_findings, same_wish, side_column
from ghostpy.planning.expansion_uses import lies_in, statement_findings
from ghostpy.settings import ExpandSettings

MYSQL, POSTGRES = Reading(sql_tokens.tokenize, str.casefold), Reading(postgres_tokens.tokenize, str)
USERS = TableName("shop", "users")
EXPANSION = Expansion(
    USERS,
    old=(SideColumn("Name", "varchar(170)", required=True),),
    new=(SideColumn("first", "varchar(80)", required=True), SideColumn("last", "varchar(80)")),
    up=(("first", "a"), ("last", "b")),
    down=(("Name", "c"),),
)


@pytest.mark.parametrize("reading", [MYSQL, POSTGRES])
@pytest.mark.parametrize(
    ("definition", "kept", "required"),
    [
        ("varchar(80)", "varchar(80)", False),
        ("varchar(80) NOT NULL", "varchar(80)", True),
        ("varchar(80) not  null COMMENT 'x, DEFAULT'", "varchar(80) COMMENT 'x, DEFAULT'", True),
        ("numeric(8, 2) NOT NULL", "numeric(8, 2)", True),
    ],
)
def test_not_null_waits(reading: Reading, definition: str, kept: str, required: bool) -> None:
    assert side_column("a", definition, reading) == (SideColumn("a", kept, required), [])


@pytest.mark.parametrize("definition", ["", "int DEFAULT 1", "int UNIQUE", "int, b int", "int REFERENCES t (id)"])
def test_what_a_new_column_cannot_be(definition: str) -> None:
    for reading in (MYSQL, POSTGRES):
        assert side_column("a", definition, reading)[1]


def test_the_same_wish_in_other_words() -> None:
    added = (("first", "varchar(80) NOT NULL"), ("last", "varchar(80)"))
    asked = ExpandSettings(added=added, up=(("LAST", "b"), ("first", "a")), down=(("name", "c"),))
    assert same_wish(EXPANSION, asked, MYSQL)
    assert not same_wish(EXPANSION, asked, POSTGRES)
    assert same_wish(EXPANSION, ExpandSettings(), POSTGRES)
    other = ExpandSettings(added=added, up=(("last", "b"), ("first", "x")), down=(("name", "c"),))
    assert not same_wish(EXPANSION, other, MYSQL)


@pytest.mark.parametrize("phase", ExpansionPhase)
def test_the_ledger_is_read_as_it_was_written(phase: ExpansionPhase) -> None:
    for expansion in (EXPANSION.at(phase), EXPANSION.at(phase).mirrored()):
        assert expansion_text.read(expansion_text.written(expansion)) == expansion


def test_a_ledger_of_another_version() -> None:
    """It cannot be read, and nobody removes it."""
    text = expansion_text.written(EXPANSION).replace('"format": 1', '"format": 2')
    with pytest.raises(CannotResume, match="another version of ghostpy"):
        expansion_text.read(text)
    assert expansion_text.kind_of(text, there=True) == (expansion_text.EXPANSION, True)


def test_what_stands_and_what_may_go() -> None:
    written, contracted = (
        expansion_text.written(EXPANSION.at(phase)) for phase in (ExpansionPhase.BEGUN, ExpansionPhase.CONTRACTED)
    )
    assert expansion_text.kind_of(written, there=True)[1]
    assert not expansion_text.kind_of(written, there=False)[1]
    assert not expansion_text.kind_of(contracted, there=True)[1]
    assert not expansion_text.kind_of(None, there=True)[1]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("SELECT `name` FROM `users`", ["name"]),
        ("UPDATE users SET Name = ?", ["name"]),
        ("SELECT first_name, names FROM users", []),
        ("SELECT name FROM customers", []),
        ("SELECT id FROM users WHERE x = 'name'", []),
    ],
)
def test_columns_in_texts(text: str, found: list[str]) -> None:
    assert lies_in(text, "users", ["name"], fold=True) == found


def test_statements() -> None:
    codes = [
        finding.code
        for finding in statement_findings(
            USERS, ["name"], ["SELECT name FROM users", "SELECT * FROM users", "SELECT id FROM users"], fold=True
        )
    ]
    assert codes == ["may-use-old-column", "selects-all"]


def test_known_by_its_triggers() -> None:
    assert expansion_findings(USERS, ["a", "_users_ghostpy_step_insert"])
    assert not expansion_findings(USERS, ["ghostpy", "insert"])
