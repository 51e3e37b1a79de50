"""The demo, small: it says itself whether every check held."""

from __future__ import annotations

import re

import pytest
from migrating import ghostpy


@pytest.mark.parametrize("dialect", ["mysql", "postgres"])
def test_the_demo_holds_its_checks(dialect: str) -> None:
    finished = ghostpy("demo", f"--dialect={dialect}", "--rows=20000", "--rate=300", timeout=300)
    assert finished.status == 0, finished.output + finished.errors
    assert len(re.findall(r"│ +0 │", finished.output)) == 5, finished.output
    assert "around the exchange" in finished.output
