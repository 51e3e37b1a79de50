"""A copy compared, spoilt, and compared again."""

from __future__ import annotations

from collections.abc import Callable

from ghostpy.model.keys import Key, KeyRange
from ghostpy.protocols import Dialect

ALL = KeyRange(None, None)


async def compared(dialect: Dialect, spoil: Callable[[], object]) -> tuple[bool, bool, list[Key], list[Key]]:
    """Copy, compare, `spoil`, compare again: (equal before, equal after, the differing keys twice)."""
    await dialect.open()
    try:
        parts = dialect.parts(await dialect.plan())
        await dialect.housekeeping.create_ledger()
        await dialect.housekeeping.create_shadow()
        await parts.copying.copy(ALL)
        await dialect.housekeeping.build_key()
        _, before = await parts.comparing.compare(ALL)
        spoil()
        differing: list[list[Key]] = []
        for _ in range(2):
            # Twice, for it is looked at in another way where the chunk before was not equal.
            _, found = await parts.comparing.compare(ALL)
            differing.append(list(found))
        assert sorted(map(str, differing[0])) == sorted(map(str, differing[1]))
        return not before, not differing[0], differing[0], list(await parts.comparing.still_different(differing[0]))
    finally:
        await dialect.close()
