"""The constraints that stand in a column's own definition (`ADD COLUMN c int DEFAULT 1 CHECK (c > 0)`), told apart from the rest.

Forms: PostgreSQL manual, "ALTER TABLE", column_constraint. The words at which a part begins are reserved, so none of them is a
name, and an expression that holds one has it in parentheses; but for SET NULL and SET DEFAULT, which follow ON DELETE.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import Enum

from ghostpy.planning.postgres_clauses import Reader
from ghostpy.planning.postgres_tokens import Token, tokenize


class Part(Enum):
    COLUMN = "column"
    """Its name and type, and what belongs to it: COLLATE, DEFAULT, NOT NULL, GENERATED."""
    CHECK = "check"
    UNIQUE = "unique"
    PRIMARY_KEY = "primary key"
    REFERENCES = "references"


_BEGINNINGS = (
    (("CHECK",), Part.CHECK),
    (("UNIQUE",), Part.UNIQUE),
    (("PRIMARY", "KEY"), Part.PRIMARY_KEY),
    (("REFERENCES",), Part.REFERENCES),
    (("NOT", "NULL"), Part.COLUMN),
    (("NULL",), Part.COLUMN),
    (("DEFAULT",), Part.COLUMN),
    (("GENERATED",), Part.COLUMN),
    (("COLLATE",), Part.COLUMN),
)


def column_parts(clause: str) -> tuple[tuple[Part, str], ...]:
    """The parts of an ADD COLUMN clause, in order and as written."""
    tokens = [token for token in tokenize(clause, "a column's definition") if token.depth == 0]
    starts = [(Part.COLUMN, tokens[0].start), *_starts(tokens)]
    ends = [start for _, start in starts[1:]] + [len(clause)]
    return tuple((part, clause[start:end].strip()) for (part, start), end in zip(starts, ends, strict=True))


def without(clause: str, *parts: Part) -> str:
    """An ADD COLUMN clause without these parts."""
    return " ".join(text for part, text in column_parts(clause) if part not in parts)


def _starts(tokens: Sequence[Token]) -> Iterator[tuple[Part, int]]:
    """Where parts begin; a name that is given by CONSTRAINT belongs to the part that follows it."""
    named: int | None = None
    for place in range(2, len(tokens)):
        reader = Reader(tokens[place:])
        if reader.sees("CONSTRAINT"):
            named = tokens[place].start
        elif not tokens[place - 1].is_word("SET"):
            part = next((part for words, part in _BEGINNINGS if reader.sees(*words)), None)
            # NULL of NOT NULL and of DEFAULT NULL begins nothing.
            if part is not None and not (reader.sees("NULL") and tokens[place - 1].is_word("NOT", "DEFAULT")):
                yield part, tokens[place].start if named is None else named
                named = None


def names_behind(text: str, word: str) -> tuple[str, ...]:
    """The tables' names, as written, behind each `word` (ON, REFERENCES) that stands outside of parentheses."""
    return tuple(text[start:end] for start, end in _places_behind(text, word))


def redirected(text: str, word: str, names: Sequence[str]) -> str:
    """`text` with `names` in the place of the first of those."""
    for (start, end), name in reversed(list(zip(_places_behind(text, word), names, strict=False))):
        text = f"{text[:start]}{name}{text[end:]}"
    return text


def _places_behind(text: str, word: str) -> list[tuple[int, int]]:
    tokens = tokenize(text, "a definition")
    places = []
    for number, token in enumerate(tokens[:-1]):
        if token.depth == 0 and token.is_word(word):
            end = number + 1
            while end + 2 < len(tokens) and tokens[end + 1].is_symbol("."):
                end += 2
            places.append((tokens[number + 1].start, tokens[end].end))
    return places
