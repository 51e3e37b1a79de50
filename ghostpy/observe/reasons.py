"""Reasons to rest, sorted into a few kinds: a metric's label must not have a new value for each figure in the text."""

from __future__ import annotations

OTHER = "other"

# Looked for in this order in the reason's text; a host's name may be part of it.
_SIGNS = {
    "commanded by user": "command",
    "hibernat": "hibernation",
    "replica-lag=": "lag",
    "http=": "http",
    "max-load": "load",
    "flag-file": "flag-file",
    "outside window": "window",
    "throttle-query": "query",
    "impact": "impact",
    "lag": "lag",
    "load": "load",
}
KINDS = (*dict.fromkeys(_SIGNS.values()), OTHER)
"""All there can be."""


def kind_of(reason: str) -> str:
    """The kind of a reason that a throttle signal gives, by the words in it."""
    text = reason.casefold()
    return next((kind for sign, kind in _SIGNS.items() if sign in text), OTHER)
