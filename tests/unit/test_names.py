"""The names of a run's tables, and back from such a name to the table that it was made for."""

from __future__ import annotations

from datetime import datetime

import pytest

from ghostpy.model.names import TableName, helper_names, table_of

LIMIT = 64
LONG = "a_table_with_a_name_that_is_as_long_as_the_server_will_have_it"
TWIN = f"{LONG[:-1]}_"
TABLES = {"t", "t_x", "order items ß", "a`b", "_t", LONG, TWIN, "x" * 60}


@pytest.mark.parametrize("table", sorted(TABLES))
def test_there_and_back(table: str) -> None:
    names = helper_names(TableName("shop", table), limit=LIMIT, old_timestamp=datetime(2026, 1, 2, 3, 4, 5))
    assert len(names.probe.table) <= LIMIT
    assert table_of(names.probe.table, "_ghp", TABLES, limit=LIMIT) == table
    assert table_of(names.old.table, "_20260102030405_del", TABLES, limit=LIMIT) == table


@pytest.mark.parametrize("helper", ["_nobody_ghp", "_ghp", f"_{LONG[:50]}_01234567_ghp", "_T_ghp"])
def test_names_of_no_table(helper: str) -> None:
    assert table_of(helper, "_ghp", TABLES, limit=LIMIT) is None
