"""Where the statements of a script begin and end, and what of it is for client programs alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import zip_longest

from msgspec import Struct

from ghostpy.planning import postgres_tokens, sql_tokens
from ghostpy.planning.sql_tokens import TokenKind

_DIRECTIVE = re.compile(r"DELIMITER[ \t]+(\S+)[^\n]*", re.IGNORECASE)
_QUOTED = (TokenKind.STRING, TokenKind.QUOTED, TokenKind.DOUBLE_QUOTED)
_GUARDS = ("RESTRICT", "UNRESTRICT")


class Piece(Struct, frozen=True):
    """A statement from `start` to `end` of the script's text, without what ends it."""

    start: int
    end: int
    delimited: bool = False
    """Whether it ends by a mark that DELIMITER has set, so that semicolons can stand in it."""


def pieces_of(text: str, what: str, dialect: str) -> Sequence[Piece]:
    """Cut a script. Raises UsageError, calling the text `what`, where quotes, comments or parentheses do not match."""
    return _CUTTERS[dialect](text, what)


def _mysql(text: str, what: str) -> list[Piece]:
    """By semicolons, or by what the last DELIMITER says, as the mysql program does: MySQL manual, "mysql Client Commands"."""
    found: list[Piece] = []
    start = end = -1
    conditions, mark, ignored = 0, ";", 0

    def close() -> None:
        nonlocal start
        if start >= 0:
            found.append(Piece(start, end, mark != ";"))
        start = -1

    for token in sql_tokens.tokenize(text, what):
        if token.start < ignored:
            continue
        if token.kind is TokenKind.CONDITION:
            conditions += 1 if token.text != "*/" else -1
        directive = _DIRECTIVE.match(text, token.start) if start < 0 and token.is_word("DELIMITER") else None
        if directive is not None:
            mark, ignored = directive[1], directive.end()
            continue
        if mark == ";":
            if token.is_symbol(";") and not token.depth and not conditions:
                close()
                continue
        elif token.kind not in _QUOTED:
            # The mark may be part of what is a word otherwise (END$$), or several symbols.
            place = text.find(mark, token.start, token.end + len(mark) - 1)
            if place >= 0:
                end = place if place > token.start else end
                start = token.start if start < 0 and place > token.start else start
                close()
                ignored = place + len(mark)
                continue
        start, end = (token.start if start < 0 else start), token.end
    close()
    return found


def _postgres(text: str, what: str) -> list[Piece]:
    tokens = list(postgres_tokens.tokenize(text, what))
    pieces = postgres_tokens.split(_without_guards(tokens, text), ";")
    return [Piece(piece[0].start, piece[-1].end) for piece in pieces if piece]


def _without_guards(tokens: Sequence[postgres_tokens.Token], text: str) -> list[postgres_tokens.Token]:
    r"""Without pg_dump's `\restrict KEY` and `\unrestrict KEY`, which keep psql from running commands of its own: we have none.

    PostgreSQL manual, "psql", `\restrict`.
    """
    kept: list[postgres_tokens.Token] = []
    ignored = 0
    for token, following in zip_longest(tokens, tokens[1:]):
        begins = not kept or kept[-1].is_symbol(";")
        if token.start < ignored:
            continue
        if begins and token.is_symbol("\\") and following is not None and following.is_word(*_GUARDS):
            line = text.find("\n", token.start)
            ignored = len(text) if line < 0 else line
            continue
        kept.append(token)
    return kept


_CUTTERS: Mapping[str, Callable[[str, str], Sequence[Piece]]] = {"mysql": _mysql, "postgres": _postgres}
