"""The error for SQL that cannot be taken apart, whichever server it is for."""

from __future__ import annotations

from ghostpy.errors import UsageError


def malformed(what: str, why: str, text: str, place: int) -> UsageError:
    """The error for a text that cannot be read, from `place` on."""
    near = " ".join(text[place : place + 30].split())
    return UsageError(
        f"{what} cannot be read: {why}, at {_place_of(text, place)} (near: {near}).",
        hint="Nothing was sent to the server. Check the quotes, also those that the shell takes away.",
    )


def _place_of(text: str, place: int) -> str:
    """A place in a text, for people; the line as well where there are several."""
    before = text[:place]
    if "\n" not in text:
        return f"character {place + 1}"
    return f"character {place - before.rfind(chr(10))} of line {before.count(chr(10)) + 1}"
