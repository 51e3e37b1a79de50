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
        _, before = await parts.comparing.count_differences(ALL)
        assert list(await parts.comparing.differences(ALL)) == []
        spoil()
        _, after = await parts.comparing.count_differences(ALL)
        differing = list(await parts.comparing.differences(ALL))
        return before, after, differing, list(await parts.comparing.still_different(differing))
    finally:
        await dialect.close()
