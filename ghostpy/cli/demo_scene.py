"""What `ghostpy demo` plays: a kind of server, its table of customers, and a change of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct

from ghostpy import sandbox
from ghostpy.sandbox.customers import CustomerRows, PostgresCustomerRows
from ghostpy.sandbox.shapes import Shape


class Scene(Struct, frozen=True):
    """`same`: pairs of an expression over the old table's row `o` and one over the new table's row `n`, to be compared.

    `split`: the same for the new columns.
    """

    title: str
    start: Callable[[], sandbox.Server]
    shape: Shape
    alter: str
    transforms: Mapping[str, str]
    old_table: str
    same: tuple[tuple[str, str], ...]
    split: tuple[tuple[str, str], ...]


def _alike(*names: str) -> tuple[tuple[str, str], ...]:
    return tuple((f"o.{name}", f"n.{name}") for name in names)


_MOVED = (("o.country", "n.country_code"), ("o.note", "n.remark"))

MYSQL = Scene(
    title="MySQL",
    start=lambda: sandbox.mysql({"innodb_buffer_pool_size": "1G"}),
    shape=CustomerRows(),
    alter="""ADD COLUMN first_name VARCHAR(60) NOT NULL DEFAULT '' AFTER name,
  ADD COLUMN last_name VARCHAR(60) NOT NULL DEFAULT '' AFTER first_name,
  RENAME COLUMN country TO country_code,
  CHANGE COLUMN note remark VARCHAR(500),
  MODIFY COLUMN email VARCHAR(200) CHARACTER SET utf8mb4,
  MODIFY COLUMN balance DECIMAL(14, 4) NOT NULL DEFAULT 0,
  MODIFY COLUMN status ENUM('closed', 'new', 'active', 'paused', 'vip') NOT NULL DEFAULT 'new',
  ADD KEY last_name_1 (last_name)""",
    transforms={
        "first_name": "SUBSTRING_INDEX(name, ' ', 1)",
        "last_name": "SUBSTRING(name, LOCATE(' ', name) + 1)",
    },
    old_table="_customers_del",
    same=(
        *_alike("name", "status", "score", "born", "created", "seen", "settings", "token"),
        *_MOVED,
        ("CAST(o.balance AS DECIMAL(14, 4))", "n.balance"),
        ("CONVERT(o.email USING utf8mb4)", "n.email"),
    ),
    split=(
        ("(SUBSTRING_INDEX(o.name, ' ', 1))", "n.first_name"),
        ("(SUBSTRING(o.name, LOCATE(' ', o.name) + 1))", "n.last_name"),
    ),
)

POSTGRES = Scene(
    title="PostgreSQL",
    start=lambda: sandbox.postgres({"shared_buffers": "512MB", "max_wal_size": "4GB"}),
    shape=PostgresCustomerRows(),
    alter="""ALTER COLUMN id TYPE bigint,
  ADD COLUMN first_name varchar(60) NOT NULL DEFAULT '',
  ADD COLUMN last_name varchar(60) NOT NULL DEFAULT '',
  RENAME COLUMN country TO country_code,
  RENAME COLUMN note TO remark,
  ALTER COLUMN remark TYPE varchar(500),
  ALTER COLUMN balance TYPE numeric(14, 4),
  ALTER COLUMN status TYPE text;
  CREATE INDEX last_name_1 ON customers (last_name)""",
    transforms={"first_name": "split_part(name, ' ', 1)", "last_name": "split_part(name, ' ', 2)"},
    old_table="_public_customers_del.customers",
    same=(
        *_alike("name", "email", "status", "score", "born", "created", "seen", "settings", "tags", "token"),
        *_MOVED,
        ("o.balance::numeric(14, 4)", "n.balance"),
    ),
    split=(
        ("split_part(o.name, ' ', 1)", "n.first_name"),
        ("split_part(o.name, ' ', 2)", "n.last_name"),
    ),
)

SCENES = {"mysql": MYSQL, "postgres": POSTGRES}
