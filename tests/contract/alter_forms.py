"""The tables of ALTER forms in `forms/`: what is expected of each, in a line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ghostpy.model.plan import Strategy

STRATEGIES = {
    "nothing": Strategy.NOTHING,
    "instant": Strategy.INSTANT,
    "staged": Strategy.STAGED,
    "shadow": Strategy.SHADOW,
}
_FOLDER = Path(__file__).parent / "forms"
_SINCE = re.compile(r"\[(\d+)\]")
_REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Form:
    """One line of a table; what the words mean, its head tells."""

    strategy: str
    lock: str
    work: str
    alter: str
    since: int = 0
    before: str = ""
    """SQL that comes before."""

    @property
    def refused(self) -> str:
        """The code of the finding that refuses it; empty where none does."""
        return self.lock if self.strategy == _REFUSED else ""


def forms(name: str) -> Sequence[Form]:
    """All forms of `forms/NAME.txt`, in order."""
    found: list[Form] = []
    for form in _read((_FOLDER / f"{name}.txt").read_text()):
        if form.strategy == "with:":
            found[-1] = replace(found[-1], before=form.alter)
        else:
            found.append(form)
    return found


def _read(text: str) -> Iterator[Form]:
    since = 0
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        if version := _SINCE.fullmatch(line):
            since = int(version[1])
        elif line.lstrip().startswith("with:"):
            yield Form("with:", "", "", line.partition("with:")[2].strip())
        elif line.startswith(_REFUSED):
            strategy, code, alter = re.split(r"\s{2,}", line, maxsplit=2)
            yield Form(strategy, code, "", alter, since)
        else:
            strategy, lock, work, alter = re.split(r"\s{2,}", line, maxsplit=3)
            yield Form(strategy, lock, work, alter, since)
