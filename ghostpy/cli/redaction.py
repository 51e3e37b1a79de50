"""What must never be shown: passwords, as soon as they are known."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial

_MASK = "***"
# A shorter one would blank out parts of ordinary words, and so could be guessed from the gaps.
_SHORTEST = 4

_secrets: set[str] = set()
_of_one_call: ContextVar[set[str] | None] = ContextVar("secrets of one call", default=None)


def remember_secret(secret: str) -> None:
    """Have `redact` take `secret` out of every text from now on; within `own_secrets`, only what that gives."""
    if len(secret) >= _SHORTEST:
        own = _of_one_call.get()
        (_secrets if own is None else own).add(secret)


def redact(text: str) -> str:
    """`text` without the secrets known so far."""
    return _without(_secrets, text)


@contextmanager
def own_secrets() -> Iterator[Callable[[str], str]]:
    """For the length of a block, the secrets that are read are those of one call; what takes them, and no others, out of texts."""
    secrets: set[str] = set()
    token = _of_one_call.set(secrets)
    try:
        yield partial(_without, secrets)
    finally:
        _of_one_call.reset(token)


def _without(secrets: Collection[str], text: str) -> str:
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, _MASK)
    return text
