"""Values: which of them are the same, and what none of them shows."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace
from rich.pretty import pretty_repr

from ghostpy.dialects.mysql.binlog_place import BinlogPlace
from ghostpy.model.compared import ComparedInPart
from ghostpy.model.leftover import Leftover
from ghostpy.model.names import TableName
from ghostpy.model.table import Table
from ghostpy.settings import (
    BackupSettings,
    ConnectSettings,
    ControlSettings,
    HookSettings,
    MigrateSettings,
    TopologySettings,
)

_PLACE = BinlogPlace("binlog.000002", 4)
_LEFTOVER = Leftover("table", "db._t_gho", "db.t", alive=False)
_TABLE = Table(TableName("db", "t"), "BASE TABLE", "InnoDB", (), ())


@pytest.mark.parametrize(
    ("one", "same"),
    [
        (_PLACE, replace(_PLACE, server="8947770c")),
        (_LEFTOVER, replace(_LEFTOVER, size=1 << 20, moment=datetime.now(UTC), moment_is="begun", run="host:17")),
        (_TABLE, replace(_TABLE, create_sql="CREATE TABLE t (id INT)")),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_same_whatever_does_not_count(one: ComparedInPart, same: ComparedInPart) -> None:
    assert one == same
    assert len({one, same}) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (_PLACE, replace(_PLACE, offset=5)),
        (_PLACE, replace(_PLACE, settled=("binlog.000001", 4))),
        (_LEFTOVER, replace(_LEFTOVER, alive=True)),
        (_TABLE, replace(_TABLE, row_estimate=7)),
        (_TABLE, replace(_TABLE, triggers=("tr",))),
        (_PLACE, _LEFTOVER),
        (_PLACE, ("binlog.000002", 4, ("", 0))),
    ],
    ids=lambda value: type(value).__name__,
)
def test_not_the_same(one: object, other: object) -> None:
    assert one != other
    assert other != one


def test_secrets_are_not_shown() -> None:
    secret = "s3cr3t"
    settings = MigrateSettings(
        connect=ConnectSettings(user="ann", password=secret, dsn=f"postgresql://ann:{secret}@h/d"),
        topology=TopologySettings(primary_password=secret),
        control=ControlSettings(tcp_token=secret),
        hooks=HookSettings(hint_token=secret),
        backups=BackupSettings(commands=((secret,),), before=(secret,)),
    )
    for shown in (repr(settings), str(settings), f"{settings}", pretty_repr(settings)):
        assert "ann" in shown
        assert secret not in shown
