"""Find a server to run: several ways, the first that gives what was asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ghostpy.sandbox.errors import SandboxError
from ghostpy.sandbox.installation import Installation

Way = tuple[str, Callable[[], Installation | None]]
"""How it is called, and what tries it: it returns None, or raises SandboxError, where there is nothing."""


def first(kind: str, version: str | None, ways: Iterable[Way]) -> Installation:
    """Return what the first way gives that has the version; `9` is the version of `9.7.4`, too."""
    tried: list[str] = []
    for name, way in ways:
        try:
            found = way()
        except SandboxError as error:
            tried.append(f"{name}: {error.message}")
            continue
        if found is None:
            tried.append(f"{name}: nothing there")
        elif not fits(found.version, version):
            tried.append(f"{name}: that is {found.version}")
        else:
            return found
    wanted = f"{kind} {version}" if version else kind
    raise SandboxError("\n- ".join([f"there is no {wanted} to be had here; tried:", *tried]))


def fits(version: str, wanted: str | None) -> bool:
    """Tell whether a full version is of the wanted series."""
    return wanted is None or f"{version}.".startswith(f"{wanted}.")
