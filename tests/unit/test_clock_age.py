"""The age of what a server dated, by its own clock."""

from __future__ import annotations

import pytest

from ghostpy.dialects.clock import age
from ghostpy.errors import ServerError


@pytest.mark.parametrize(("seconds", "known"), [(0.0, 0.0), (3.5, 3.5), (-0.4, 0.0), (3600.0, 3600.0)])
def test_the_age_by_the_clock(seconds: float, known: float) -> None:
    assert age(seconds) == known


def test_nothing_is_known_where_the_clock_was_set_back() -> None:
    with pytest.raises(ServerError, match="3600 s ahead of the server's clock"):
        age(-3600.0)
