"""Columns in two tables: which may be one under another name, and which must move so that all stand in the wanted order. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence

from ghostpy.errors import UsageError


def alike(dropped: Mapping[str, tuple[str, str]], added: Mapping[str, tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Pairs of a dropped and an added column; each column in one pair at most.

    The values are a column's type and its whole definition: those of one definition go together first, then those of one type.
    """
    left = dict(added)
    pairs: list[tuple[str, str]] = []
    for part in (1, 0):
        taken = {old for old, _ in pairs}
        for old, told in dropped.items():
            new = next((name for name, other in left.items() if other[part] == told[part]), None)
            if old not in taken and new is not None:
                pairs.append((old, new))
                del left[new]
    return tuple(pairs)


def check_renames(
    renames: Sequence[tuple[str, str]], source: Collection[str], desired: Collection[str]
) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    """The renames that are still to be made, and notes about those that are made already. Names are compared as they stand.

    Raises UsageError for one that cannot be meant.
    """
    found, notes = [], []
    for old, new in renames:
        flag = f"--rename-column {old}={new}"
        if new not in desired:
            raise UsageError(f"{flag}: the desired table has no column {new}.", hint=_HINT)
        if old in desired:
            raise UsageError(f"{flag}: the desired table has a column {old} still.", hint=_HINT)
        if old in source and new in source:
            raise UsageError(f"{flag}: the table has a column {new} already, beside {old}.", hint=_HINT)
        if old not in source and new not in source:
            raise UsageError(f"{flag}: the table has no column {old}.", hint=_HINT)
        if old in source:
            found.append((old, new))
        else:
            notes.append(f"{flag} has nothing to do: the column is called {new} already")
    for place in (0, 1):
        names = [pair[place] for pair in renames]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise UsageError(f"--rename-column names the column {twice} twice.", hint=_HINT)
    return tuple(found), tuple(notes)


_HINT = "Nothing was changed. Write --rename-column OLD=NEW, once for each column."


def staying(now: Sequence[str], wanted: Sequence[str]) -> frozenset[str]:
    """The most names of `now` that need not move for all of them to stand as in `wanted`, which holds them all."""
    places = {name: place for place, name in enumerate(wanted)}
    ends: list[int] = []  # the lowest end of a rising run of each length
    tails: list[str] = []
    before: dict[str, str | None] = {}
    for name in now:
        at = bisect_left(ends, places[name])
        before[name] = tails[at - 1] if at else None
        if at == len(ends):
            ends.append(places[name])
            tails.append(name)
        else:
            ends[at], tails[at] = places[name], name
    found, last = set(), tails[-1] if tails else None
    while last is not None:
        found.add(last)
        last = before[last]
    return frozenset(found)
