"""What must never be shown: passwords, as soon as they are known."""

from __future__ import annotations

_MASK = "***"
# A shorter one would blank out parts of ordinary words, and so could be guessed from the gaps.
_SHORTEST = 4

_secrets: set[str] = set()


def remember_secret(secret: str) -> None:
    """Have `redact` take `secret` out of every text from now on."""
    if len(secret) >= _SHORTEST:
        _secrets.add(secret)


def redact(text: str) -> str:
    """`text` without the secrets known so far."""
    for secret in sorted(_secrets, key=len, reverse=True):
        text = text.replace(secret, _MASK)
    return text
