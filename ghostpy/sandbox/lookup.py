"""Find a server to run: several ways, the first that gives what was asked for."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from ghostpy.sandbox.errors import SandboxError
from ghostpy.sandbox.installation import Installation

Way = tuple[str, Callable[[], Installation | None]]
"""How it is called, and what tries it: it returns None, or raises SandboxError, where there is nothing."""


Named = tuple[str, Callable[[Path], Installation]]
"""The environment variable that may name a server program, and what makes an installation of one."""


def first(kind: str, version: str | None, named: Named, ways: Iterable[Way]) -> Installation:
    """Return what the first way gives that has the version; `9` is the version of `9.7.4`, too.

    A program that the environment names is the one to run, or the error: nothing else is tried then.
    """
    variable, installation_of = named
    if program := os.environ.get(variable):
        ways = [(f"{variable}={program}", lambda: installation_of(Path(program).absolute()))]
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
