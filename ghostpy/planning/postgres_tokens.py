"""PostgreSQL's SQL cut into tokens, each with its place in the text.

Rules: PostgreSQL manual, "Lexical Structure", with standard_conforming_strings on, as in all our sessions. Other white space
than ASCII's is a letter to PostgreSQL, and block comments nest.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum

from msgspec import Struct

from ghostpy.planning.malformed import malformed

_NAME_BYTES = 63


class TokenKind(Enum):
    WORD = "word"
    """A keyword or an unquoted name."""
    QUOTED = "quoted"
    """A name in double quotes."""
    STRING = "string"
    NUMBER = "number"
    SYMBOL = "symbol"


class Token(Struct, frozen=True):
    kind: TokenKind
    text: str
    start: int
    depth: int
    """How many parentheses and brackets are open around it."""

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
        """The identifier that this token can be, folded and cut as the server does it, or None."""
        if self.kind is TokenKind.WORD:
            # Only ASCII is folded in a database of several bytes a character.
            return _cut(re.sub("[A-Z]", lambda letter: letter.group().lower(), self.text))
        if self.kind is TokenKind.QUOTED:
            if self.text[0] in "uU":
                return _cut(_unescaped(self.text[3:-1].replace('""', '"')))
            return _cut(self.text[1:-1].replace('""', '"'))
        return None


def _cut(name: str) -> str:
    return name.encode(errors="replace")[:_NAME_BYTES].decode(errors="ignore")


def _unescaped(text: str) -> str:
    def letter(match: re.Match[str]) -> str:
        return "\\" if match[0] == "\\\\" else chr(int(match[1] or match[2], 16))

    spelled = re.sub(r"\\(?:\\|([0-9A-Fa-f]{4})|\+(0[0-9A-Fa-f]{5}|10[0-9A-Fa-f]{4}))", letter, text)
    # Two escapes may be the halves of one character.
    return spelled.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


# Pieces of a string on lines of their own are one string, and a first piece with an E rules the others.
_NEXT_PIECE = r"(?:[ \t\f\v]|--[^\n\r]*)*[\n\r](?:[ \t\n\r\f\v]|--[^\n\r]*[\n\r])*'"
# Letters are ASCII's, the underscore and all beyond ASCII: said by what is none, since sets that go beyond 16 bits take long to compile.
_LETTER = r"[^\x00-@\[-^`{-\x7f]"
_IN_NAME = r"[^\x00-#%-/:-@\[-^`{-\x7f]"
_IN_TAG = r"[^\x00-/:-@\[-^`{-\x7f]"
_TOKEN = re.compile(
    rf"""
      (?P<space> [ \t\n\r\f\v]+ )
    | (?P<comment> --[^\n\r]* )
    | (?P<string> [eE]'(?:[^'\\]|\\.|'')*'(?:{_NEXT_PIECE}(?:[^'\\]|\\.|'')*')*
        | (?:[bBxXnN]|[uU]&)?'(?:[^']|'')*'
        | \$(?P<tag>(?:{_LETTER}{_IN_TAG}*)?)\$.*?\$(?P=tag)\$ )
    | (?P<quoted> (?:[uU]&)?"(?:[^"]|"")*" )
    | (?P<word> (?![eE]'){_LETTER}{_IN_NAME}* )
    | (?P<number> (?:[0-9]|\.[0-9])[0-9A-Za-z_.]* )
    | (?P<symbol> . )
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT_EDGE = re.compile(r"/\*|\*/")
_PAIRS = {")": "(", "]": "["}


def tokenize(text: str, what: str) -> tuple[Token, ...]:
    """The tokens of `text`; spaces and comments are left out.

    Raises UsageError, calling the text `what`, where quotes, comments, parentheses or brackets do not match.
    """
    tokens: list[Token] = []
    opened: list[Token] = []
    place = 0
    while place < len(text):
        if text.startswith("/*", place):
            place = _behind_comment(text, place, what)
            continue
        match = _TOKEN.match(text, place)
        assert match is not None  # the last alternative takes any character
        place = match.end()
        kind = "string" if match["string"] is not None else str(match.lastgroup)
        if kind in ("space", "comment"):
            continue
        token = Token(TokenKind[kind.upper()], match.group(), match.start(), len(opened))
        if token.kind is TokenKind.SYMBOL:
            token = _balanced(token, opened, text, what)
        tokens.append(token)
    if opened:
        raise malformed(what, f"a {_named(opened[-1].text)} is not closed", text, opened[-1].start)
    return tuple(tokens)


def _behind_comment(text: str, start: int, what: str) -> int:
    depth = 0
    for edge in _COMMENT_EDGE.finditer(text, start):
        depth += 1 if edge.group() == "/*" else -1
        if depth == 0:
            return edge.end()
    raise malformed(what, "a comment is not closed", text, start)


def _balanced(token: Token, opened: list[Token], text: str, what: str) -> Token:
    symbol = token.text
    if symbol in "'eE":
        raise malformed(what, "a quoted string is not closed", text, token.start)
    if symbol == '"':
        raise malformed(what, "a double-quoted name is not closed", text, token.start)
    if symbol == "$" and re.compile(r"\$\w*\$").match(text, token.start):
        raise malformed(what, "a dollar-quoted string is not closed", text, token.start)
    if symbol == "\0":
        raise malformed(what, "it holds a zero byte", text, token.start)
    if symbol in _PAIRS:
        if not opened or opened[-1].text != _PAIRS[symbol]:
            raise malformed(what, f"a closing {_named(symbol)} has no opening one", text, token.start)
        opened.pop()
        return Token(token.kind, symbol, token.start, len(opened))
    if symbol in _PAIRS.values():
        opened.append(token)
    return token


def _named(symbol: str) -> str:
    return "parenthesis" if symbol in "()" else "bracket"


def span(text: str, tokens: Sequence[Token]) -> str:
    """The part of `text` from the first to the last of `tokens`, as it was written."""
    return text[tokens[0].start : tokens[-1].end] if tokens else ""


def split(tokens: Sequence[Token], symbol: str) -> tuple[Sequence[Token], ...]:
    """The pieces between the `symbol`s that stand outside of parentheses and brackets; some may be empty."""
    pieces, start = [], 0
    for place, token in enumerate(tokens):
        if token.depth == 0 and token.is_symbol(symbol):
            pieces.append(tokens[start:place])
            start = place + 1
    return (*pieces, tokens[start:])
