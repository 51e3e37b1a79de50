"""psycopg's errors, translated once. Codes: PostgreSQL manual, "PostgreSQL Error Codes"."""

from __future__ import annotations

import psycopg

from ghostpy import errors

UNIQUE_VIOLATION = "23505"
EXCLUSION_VIOLATION = "23P01"

_CONNECT = frozenset({"3D000", "53300", "57P03", "0A000"})
_GONE = frozenset({"57P01", "57P02", "57P04", "57P05", "25P03", "25P04"})
# 57014 is a cancelled statement (statement_timeout or pg_cancel_backend): nothing was changed.
_TRANSIENT = frozenset({"40001", "40P01", "57014", "55006"})
_TOO_MANY = ("too many connections for", "too many clients already", "remaining connection slots are reserved")
_TOO_MANY_HINT = "Raise the limit on connections or end sessions that are not needed, then run the same command again."
_ENDED = ("terminating connection due to",)
# Their details show whole rows.
_SHOWS_ROWS = frozenset({"23502", "23514"})


class DuplicateEntry(errors.DataDoesNotFit):
    """A unique or exclusion constraint refused a row. Resolved inside the dialect; never reaches a user as it stands.

    `constraint` is the constraint's or index's name.
    """

    constraint: str = ""


class LockNotAvailable(errors.TransientError):
    """`lock_timeout` ran out (55P03)."""


def connect_error(error: psycopg.Error, *, address: str) -> errors.GhostpyError:
    """The error of our own tree for one raised while connecting."""
    text = f"connecting to {address}: {_primary(error)}"
    # The driver knows no SQLSTATE of a connection that never came to be.
    if error.sqlstate == "53300" or any(phrase in text for phrase in _TOO_MANY):
        return errors.ConnectionFailed(text, hint=_TOO_MANY_HINT)
    if error.sqlstate in _GONE or any(phrase in text for phrase in _ENDED):
        return errors.ServerGone(text)
    return errors.ConnectionFailed(text)


def translated(error: psycopg.Error, *, address: str, doing: str, lost: bool) -> errors.GhostpyError:
    """The error of our own tree for `error`, raised while `doing` (a phrase such as "copying rows") on the server at `address`.

    `lost`: the driver holds the session to be unusable.
    """
    state = error.sqlstate or ""
    if lost or state in _GONE or state.startswith("08"):
        return errors.ServerGone(f"{doing} on {address}: the connection was lost: {_primary(error)}")
    text = f"{doing} on {address}: {_primary(error)} (SQLSTATE {state or 'unknown'})"
    if state in (UNIQUE_VIOLATION, EXCLUSION_VIOLATION):
        duplicate = DuplicateEntry(text)
        duplicate.constraint = error.diag.constraint_name or ""
        return duplicate
    if state == "53300":
        return errors.ConnectionFailed(text, hint=_TOO_MANY_HINT)
    if state == "42501":
        return errors.MissingPrivilege(text)
    if state == "55P03":
        return LockNotAvailable(text)
    if state in _TRANSIENT:
        return errors.TransientError(text)
    if state[:2] in ("22", "23"):
        return errors.DataDoesNotFit(text)
    return errors.ServerError(text)


def _primary(error: psycopg.Error) -> str:
    """The server's message with its detail, or the driver's own words, in one line."""
    primary = error.diag.message_primary or str(error) or type(error).__name__
    detail = error.diag.message_detail
    if detail and error.sqlstate not in _SHOWS_ROWS:
        primary = f"{primary}: {detail}"
    return " ".join(primary.split()).rstrip(".")
