"""`--throttle-http`: rest while an address does not answer a HEAD request by 200."""

from __future__ import annotations

import asyncio
from functools import partial
from urllib.parse import urlsplit

from ghostpy.errors import UsageError
from ghostpy.throttle.blocking import Blocking

_OK = 200
_FAILED = -1
_TEXTS = {
    404: "Not found",
    417: "Expectation failed",
    429: "Too many requests",
    500: "Internal server error",
    _FAILED: "Connection error",
}
_FRENO = {
    404: "freno: unknown metric",
    417: "freno: access forbidden",
    429: "freno: threshold exceeded",
    500: "freno: internal error",
    _FAILED: "freno: connection error",
}
_NO_URL_INTERVAL = 1.0


class HttpCheck:
    """Fulfils `Signal`. Redirects are followed. With `ignore_errors` the last status holds where nobody answers."""

    name = "throttle-http"

    def __init__(self, url: str, *, interval: float, timeout: float, ignore_errors: bool) -> None:
        self._interval = interval
        self._timeout = timeout
        self._ignore_errors = ignore_errors
        self.url = url

    @property
    def url(self) -> str:
        return self._url

    @url.setter
    def url(self, url: str) -> None:
        self._url = checked(url.strip())
        self._status = _OK
        self._head = Blocking(partial(_status_of, self._url, self._timeout))

    @property
    def asked_for(self) -> bool:
        return bool(self._url)

    @property
    def interval(self) -> float:
        return self._interval if self._url else _NO_URL_INTERVAL

    @property
    def patience(self) -> float:
        return self._timeout + 1.0

    async def look(self) -> str | None:
        try:
            # The request's own limit holds for each step of it, and not for looking the name up.
            async with asyncio.timeout(self._timeout):
                self._status = await self._head.result()
        except OSError:
            if not self._ignore_errors:
                self._status = _FAILED
        return reason_of(self._status, self._url)


def reason_of(status: int, url: str) -> str | None:
    """In words; -1: nobody answered. Freno's own meanings where the URL names it (gh-ost does so, too)."""
    if status == _OK:
        return None
    text = (_FRENO if "freno" in url else _TEXTS).get(status)
    return f"{text} (http={status})" if text else f"http={status}"


def checked(url: str) -> str:
    """The URL itself. Raises UsageError where it cannot be asked."""
    if url and not _can_be_asked(url):
        raise UsageError(
            f"the address {url!r} cannot be asked whether to rest", hint="Give an http:// or https:// URL."
        )
    return url


def _can_be_asked(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a bracket too few, or a port that is none
        return False


def _status_of(url: str, timeout: float) -> int:
    from ghostpy.throttle.http_head import status_of  # what it needs takes long to load, and few ask for it

    return status_of(url, timeout)
