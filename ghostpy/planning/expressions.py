"""The user's own SQL: transforms and the row filter. The server checks the rest; this is what it cannot know."""

from __future__ import annotations

from itertools import pairwise

from ghostpy.model.finding import Finding
from ghostpy.planning.sql_tokens import TokenKind, one_statement, tokenize

# A value must depend on the row alone: copy, resync and comparison compute it at different times.
_UNSTEADY_WORDS = frozenset(
    {
        "CURRENT_DATE",
        "CURRENT_TIME",
        "CURRENT_TIMESTAMP",
        "LOCALTIME",
        "LOCALTIMESTAMP",
        "UTC_DATE",
        "UTC_TIME",
        "UTC_TIMESTAMP",
    }
)
_UNSTEADY_FUNCTIONS = frozenset(
    {"RAND", "UUID", "UUID_SHORT", "NOW", "SYSDATE", "CURDATE", "CURTIME", "CONNECTION_ID", "LAST_INSERT_ID", "SLEEP"}
    | {"BENCHMARK", "ROW_COUNT", "FOUND_ROWS", "GET_LOCK", "RELEASE_LOCK", "RANDOM_BYTES", "CLOCK_TIMESTAMP", "RANDOM"}
    | {"NEXTVAL", "GEN_RANDOM_UUID"}
)
_OTHER_ROWS = frozenset({"SELECT", "OVER", "TABLE"})
_STEADY = "Use only the row's own columns and functions that give the same value each time."


def expression_findings(what: str, text: str) -> list[Finding]:
    """What rules the expression `text` out; `what` names it for the user.

    Raises UsageError where it is empty, or its quotes or parentheses do not match.
    """
    tokens = one_statement(tokenize(text, what), text, what)
    findings = []
    for token, following in pairwise([*tokens, None]):
        if token is None or token.kind is not TokenKind.WORD:
            continue
        word = token.text.upper()
        called = following is not None and following.is_symbol("(")
        if word in _UNSTEADY_WORDS or (called and word in _UNSTEADY_FUNCTIONS):
            findings.append(
                Finding("unsteady-expression", f"{what} uses {word}, whose value is not the row's own", _STEADY)
            )
        elif word in _OTHER_ROWS:
            findings.append(
                Finding(
                    "expression-reads-rows",
                    f"{what} uses {word}: it looks at rows whose changes are not followed",
                    _STEADY,
                )
            )
    if any(token.text == "@" for token in tokens):
        findings.append(
            Finding("unsteady-expression", f"{what} uses a variable, whose value is not the row's own", _STEADY)
        )
    return findings
