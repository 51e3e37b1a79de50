"""pymysql's errors, translated once. Numbers: MySQL "Server Error Message Reference" and "Client Error Message Reference"."""

from __future__ import annotations

import pymysql

from ghostpy import errors

DUPLICATE_ENTRY = frozenset({1062, 1586})
LOCK_WAIT_TIMEOUT = 1205
UNKNOWN_TABLE = frozenset({1051, 1146})

_CONNECT = frozenset(
    {1040, 1045, 1049, 1129, 1130, 1203, 1226, 1251, 1698, 2002, 2003, 2005, 2026, 2059, 2061, 3118, 3159}
)
_TOO_MANY = frozenset({1040, 1203, 1226})
_GONE = frozenset({0, 1053, 1077, 1079, 1080, 1152, 1158, 1159, 1160, 1161, 1927, 2006, 2013, 2014, 2027, 2055, 4031})
_TOO_MANY_HINT = "Raise the limit on connections or end some that are not needed, then run the same command again."
_PRIVILEGE = frozenset({1044, 1095, 1142, 1143, 1227, 1370, 1410})
# 1317 is KILL QUERY by somebody: nothing was changed, and the run itself was not asked to end.
# 1020: a row was changed behind a statement's back (MariaDB, "innodb_snapshot_isolation"), and its transaction is rolled back, as in a deadlock.
# 1467: the counter of an AUTO_INCREMENT could not be locked, as in a deadlock; also where its type has no number left.
_TRANSIENT = frozenset({LOCK_WAIT_TIMEOUT, 1020, 1213, 1317, 1412, 1467, 1614, 3024, 3572, 3058})
_DATA = frozenset(
    {1048, 1138, 1264, 1265, 1292, 1366, 1367, 1406, 1411, 1416, 1425, 1426, 1441, 1526, 1690, 1748, 3140, 3141}
    | {3144, 3155, 3156, 3516, 3617, 3618, 3643, 3751, 3819, 3903, 3904, 4025, 6138}
)


class DuplicateEntry(errors.DataDoesNotFit):
    """A unique key refused a row (1062). Resolved inside the dialect; never reaches a user as it stands."""


def error_number(error: BaseException) -> int:
    """The server's or client's error number, or 0 where the driver gave none."""
    number = error.args[0] if error.args else 0
    return number if isinstance(number, int) else 0


def translated(error: pymysql.MySQLError, *, address: str, doing: str) -> errors.GhostpyError:
    """The error of our own tree for `error`, raised while `doing` (a phrase such as "copying rows") on the server at `address`."""
    number = error_number(error)
    detail = str(error.args[1]) if len(error.args) > 1 else str(error)
    text = f"{doing} on {address}: {detail or type(error).__name__} (MySQL error {number})"
    if number in DUPLICATE_ENTRY:
        return DuplicateEntry(text)
    if number in _TOO_MANY:
        return errors.ConnectionFailed(text, hint=_TOO_MANY_HINT)
    if number in _CONNECT:
        return errors.ConnectionFailed(text)
    if number in _GONE or isinstance(error, pymysql.err.InterfaceError):
        return errors.ServerGone(f"{doing} on {address}: the connection was lost: {detail or 'no answer'} ({number})")
    if number in _PRIVILEGE:
        return errors.MissingPrivilege(text)
    if number in _TRANSIENT:
        return errors.TransientError(text)
    if number in _DATA:
        return errors.DataDoesNotFit(text)
    return errors.ServerError(text)
