"""One HEAD request. A module of its own, loaded only where somebody asks for it: what it needs takes long to load."""

from __future__ import annotations

import urllib.error
import urllib.request
from http.client import HTTPException

import ghostpy


class _Head(urllib.request.HTTPRedirectHandler):
    """Goes on asking by HEAD after a redirect."""

    def redirect_request(self, *arguments: object, **keywords: object) -> urllib.request.Request | None:
        request = super().redirect_request(*arguments, **keywords)  # type: ignore[arg-type]
        if request is not None:
            request.method = "HEAD"
        return request


def status_of(url: str, timeout: float) -> int:
    """Blocks. Raises OSError where nobody answers."""
    request = urllib.request.Request(url, method="HEAD", headers={"User-Agent": f"ghostpy/{ghostpy.__version__}"})
    try:
        with urllib.request.build_opener(_Head).open(request, timeout=timeout) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    except HTTPException as error:
        raise OSError(f"no HTTP answer: {error!r}") from error
