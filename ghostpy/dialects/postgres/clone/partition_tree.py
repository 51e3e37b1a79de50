"""What a partitioned table is divided by, and into what."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction

from msgspec import Struct

from ghostpy import errors
from ghostpy.dialects.postgres import quote
from ghostpy.dialects.postgres.session import Session
from ghostpy.model.names import TableName

_HASH = "h"
_MODULUS = re.compile(r"modulus (\d+)", re.IGNORECASE)
_DOING = "reading the partitions"


class Node(Struct, frozen=True):
    """The partitioned table, or one of its partitions."""

    oid: int
    parent: int | None
    name: str
    strategy: str | None
    """r, l or h where it is divided itself ("pg_partitioned_table")."""
    bound: str
    condition: str | None
    """What its rows meet; None for all."""

    @property
    def is_default(self) -> bool:
        return self.bound == "DEFAULT"


class Tree(Struct, frozen=True):
    """`key`: the columns of the table's own partition key, without its expressions."""

    key: tuple[str, ...]
    by_expression: bool
    partitions: tuple[str, ...]
    leaves: tuple[str, ...]
    cover: tuple[str, ...]
    """Conditions over a row, one of which it must meet to have a partition; none where every row has one, as far as can be told by SQL."""


_NODES = """
SELECT p.relid::pg_catalog.oid::int8, p.parentrelid::pg_catalog.oid::int8, c.relname, t.partstrat::varchar,
       coalesce(pg_catalog.pg_get_expr(c.relpartbound, c.oid), ''), pg_catalog.pg_get_partition_constraintdef(c.oid)
FROM pg_catalog.pg_partition_tree(%s::pg_catalog.regclass) AS p JOIN pg_catalog.pg_class c ON c.oid = p.relid
LEFT JOIN pg_catalog.pg_partitioned_table t ON t.partrelid = c.oid ORDER BY p.level, c.relname
"""
_KEY = """
SELECT a.attname FROM pg_catalog.pg_partitioned_table t
CROSS JOIN LATERAL pg_catalog.unnest(t.partattrs::int2[]) WITH ORDINALITY AS k (attnum, place)
LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = t.partrelid AND a.attnum = k.attnum AND k.attnum <> 0
WHERE t.partrelid = %s::pg_catalog.regclass ORDER BY k.place
"""


async def read_tree(session: Session, table: TableName) -> Tree:
    """The partitions of `table`. Raises PlanRefused where hash partitions leave remainders without one."""
    root, *parts = [Node(*row) for row in await session.query(_NODES, [quote.table(table)], doing=_DOING)]
    nodes = [root, *parts]
    key = [name for (name,) in await session.query(_KEY, [quote.table(table)], doing=_DOING)]
    for node in nodes:
        _see_complete(node, _children(nodes, node))
    open_ended = any(node.strategy and node.strategy != _HASH and not _has_default(nodes, node) for node in nodes)
    cover = list(_cover(nodes, root)) if open_ended else []
    return Tree(
        key=tuple(name for name in key if name is not None),
        by_expression=None in key,
        partitions=tuple(node.name for node in parts),
        leaves=tuple(node.name for node in parts if node.strategy is None),
        cover=() if None in cover else tuple(condition for condition in cover if condition is not None),
    )


def _children(nodes: Sequence[Node], of: Node) -> list[Node]:
    return [node for node in nodes if node.parent == of.oid]


def _has_default(nodes: Sequence[Node], of: Node) -> bool:
    return any(child.is_default for child in _children(nodes, of))


def _cover(nodes: Sequence[Node], below: Node) -> Iterator[str | None]:
    if below.strategy is None or below.strategy == _HASH:
        # Conditions about hashes name the table by its OID, and the table of the plan is not the one that will be filled.
        yield below.condition
        return
    for child in _children(nodes, below):
        yield from _cover(nodes, child)


def _see_complete(node: Node, children: Sequence[Node]) -> None:
    if node.strategy is not None and not children:
        raise errors.PlanRefused(
            f"{node.name} is to be partitioned, but has no partition for its rows; nothing was changed",
            hint="Add CREATE TABLE … PARTITION OF … for it.",
        )
    if node.strategy != _HASH:
        return
    moduli = [int(found[1]) for child in children if (found := _MODULUS.search(child.bound))]
    if sum((Fraction(1, modulus) for modulus in moduli), Fraction(0)) != 1:
        raise errors.PlanRefused(
            f"the hash partitions of {node.name} leave remainders without a partition; nothing was changed",
            hint="Add a partition for each remainder of the modulus.",
        )
