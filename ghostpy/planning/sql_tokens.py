"""MySQL's SQL cut into tokens, each with its place in the text.

sqlglot's tokenizer does not serve here: it takes a text that begins with `RENAME` or `OPTIMIZE` for one
opaque command, drops `/*! … */` although the server runs what is in it, and cuts `1a` in two. Rules: MySQL
manual, sections "Comments", "String Literals" and "Schema Object Names".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum

from msgspec import Struct

from ghostpy.errors import UsageError
from ghostpy.planning.malformed import malformed


class TokenKind(Enum):
    WORD = "word"
    """A keyword, an unquoted name or a number."""
    QUOTED = "quoted"
    """A name in backticks."""
    STRING = "string"
    DOUBLE_QUOTED = "double-quoted"
    """A string, or a name under ANSI_QUOTES."""
    SYMBOL = "symbol"
    CONDITION = "condition"
    """The beginning or the end of `/*! … */`, which some servers run and others skip."""


class Token(Struct, frozen=True):
    kind: TokenKind
    text: str
    start: int
    depth: int
    """How many parentheses are open around it."""

    @property
    def end(self) -> int:
        return self.start + len(self.text)

    def is_word(self, *words: str) -> bool:
        """Whether this is one of these keywords (given in upper case); a quoted name never is."""
        return self.kind is TokenKind.WORD and self.text.upper() in words

    def is_symbol(self, symbol: str) -> bool:
        return self.kind is TokenKind.SYMBOL and self.text == symbol

    @property
    def name(self) -> str | None:
        """The identifier that this token can be, or None."""
        if self.kind is TokenKind.WORD:
            return self.text
        if self.kind is TokenKind.QUOTED:
            return self.text[1:-1].replace("``", "`")
        if self.kind is TokenKind.DOUBLE_QUOTED:
            return self.text[1:-1].replace('""', '"')
        return None


# Said by what is not in a name, since sets that go beyond 16 bits take long to compile.
_IN_NAME = r"[^\x00-#%-/:-@\[-^`{-\x7f]"
_TOKEN = re.compile(
    rf"""
      (?P<space> \s+ )
    | (?P<comment> --(?=[\s\x00-\x1f]|\Z)[^\n]* | \#[^\n]* | /\*(?!!|M!).*?\*/ )
    | (?P<condition> /\*M?!(?:\d{{5,6}})? | \*/ )
    | (?P<string> '(?:[^'\\]|\\.|'')*' )
    | (?P<double_quoted> "(?:[^"\\]|\\.|"")*" )
    | (?P<quoted> `(?:[^`]|``)*` )
    | (?P<word> {_IN_NAME}+ )
    | (?P<symbol> . )
    """,
    re.VERBOSE | re.DOTALL,
)
_UNCLOSED = {"'": "a quoted string", '"': "a double-quoted string or name", "`": "a name in backticks"}


def tokenize(text: str, what: str) -> tuple[Token, ...]:
    """The tokens of `text`; spaces and comments are left out.

    Raises UsageError, calling the text `what`, where quotes, comments or parentheses do not match.
    """
    tokens: list[Token] = []
    open_parens: list[int] = []
    conditions: list[int] = []
    for match in _TOKEN.finditer(text):
        kind, value, start = match.lastgroup, match.group(), match.start()
        if kind in ("space", "comment"):
            continue
        if kind == "symbol":
            if value in _UNCLOSED:
                raise malformed(what, f"{_UNCLOSED[value]} is not closed", text, start)
            if text.startswith("/*", start):
                raise malformed(what, "a comment is not closed", text, start)
            if value == ")":
                if not open_parens:
                    raise malformed(what, "a closing parenthesis has no opening one", text, start)
                open_parens.pop()
        elif kind == "condition":
            if value != "*/":
                conditions.append(start)
            elif conditions:
                conditions.pop()
            else:
                raise malformed(what, "a comment is closed that was not opened", text, start)
        tokens.append(Token(TokenKind[str(kind).upper()], value, start, len(open_parens)))
        if kind == "symbol" and value == "(":
            open_parens.append(start)
    if open_parens:
        raise malformed(what, "a parenthesis is not closed", text, open_parens[-1])
    if conditions:
        raise malformed(what, "a comment is not closed", text, conditions[-1])
    return tuple(tokens)


def span(text: str, tokens: Sequence[Token]) -> str:
    """The part of `text` from the first to the last of `tokens`, as it was written."""
    return text[tokens[0].start : tokens[-1].end] if tokens else ""


def one_statement(tokens: Sequence[Token], text: str, what: str) -> Sequence[Token]:
    """`tokens` without the semicolons at the end.

    Raises UsageError where a semicolon stands anywhere else.
    """
    end = len(tokens)
    while end and tokens[end - 1].is_symbol(";"):
        end -= 1
    for token in tokens[:end]:
        if token.is_symbol(";"):
            raise malformed(what, "it holds more than one statement", text, token.start)
    return tokens[:end]


def expression(text: str, what: str) -> str:
    """`text` as an SQL expression that can be put into a statement: whole, and with no comment at its end.

    Raises UsageError, calling it `what`, where it is empty or cannot be one expression.
    """
    tokens = one_statement(tokenize(text, what), text, what)
    if not tokens:
        raise UsageError(f"{what} is empty.")
    return span(text, tokens)
