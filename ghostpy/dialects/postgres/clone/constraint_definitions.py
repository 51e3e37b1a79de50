"""A table's CHECKs, NOT NULLs with names (PostgreSQL 18) and outgoing foreign keys; those on indexes are in `index_definitions`."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from ghostpy.dialects.postgres import quote
from ghostpy.dialects.postgres.session import Session
from ghostpy.model.names import TableName

CHECK, FOREIGN_KEY, NOT_NULL = "c", "f", "n"
_NOT_VALID = " NOT VALID"


class Constraint(Struct, frozen=True):
    """One constraint. `definition` is the server's text, without the name."""

    oid: int
    name: str
    kind: str
    definition: str
    valid: bool
    """Whether existing rows are known to keep it."""
    enforced: bool
    comment: str | None = None
    parent: TableName | None = None
    """The table that a foreign key points to, which may be the table itself."""
    parent_spelled: str = ""
    """The parent's name as `definition` has it."""
    parent_oid: int = 0
    on_itself: bool = False
    refers: tuple[tuple[str, str], ...] = ()
    """Of a foreign key, for each of its columns: a condition for x, a row, to refer to anything at all, and one for it to refer to p."""

    @property
    def holds_new_rows_only(self) -> bool:
        """NOT VALID: rows that were there before it may break it."""
        return self.enforced and not self.valid

    def add(self, table: str, *, unvalidated: bool = False) -> tuple[str, ...]:
        """The statements that make it on `table` (quoted); `unvalidated`: whether existing rows keep it or not."""
        definition = self.definition
        if unvalidated and self.enforced and not definition.endswith(_NOT_VALID):
            definition += _NOT_VALID
        add = f"ALTER TABLE {table} ADD CONSTRAINT {quote.name(self.name)} {definition}"
        return (add, *self.commented(table))

    def pointing_to(self, parent: TableName, spelled: str) -> Constraint:
        """The same foreign key to another table, `spelled` in SQL."""
        definition = self.definition.replace(f" REFERENCES {self.parent_spelled}(", f" REFERENCES {spelled}(", 1)
        return replace(self, definition=definition, parent=parent, parent_spelled=spelled)

    def commented(self, table: str) -> tuple[str, ...]:
        if self.comment is None:
            return ()
        return (f"COMMENT ON CONSTRAINT {quote.name(self.name)} ON {table} IS {quote.text(self.comment)}",)

    def drop(self, table: str) -> str:
        return f"ALTER TABLE {table} DROP CONSTRAINT {quote.name(self.name)}"


_QUESTION = """
SELECT c.oid::bigint, c.conname, c.contype::varchar, pg_catalog.pg_get_constraintdef(c.oid), c.convalidated, {enforced},
       pg_catalog.obj_description(c.oid, 'pg_constraint'), n.nspname, p.relname,
       c.confrelid::pg_catalog.regclass::varchar, c.confrelid::bigint,
       ARRAY(SELECT ARRAY[pg_catalog.format('x.%%I IS NOT NULL', child.attname),
                          pg_catalog.format('p.%%I OPERATOR(%%I.%%s) x.%%I', parent.attname, s.nspname, o.oprname, child.attname)]
             FROM ROWS FROM (pg_catalog.unnest(c.conkey), pg_catalog.unnest(c.confkey), pg_catalog.unnest(c.conpfeqop))
                 WITH ORDINALITY AS k (child, parent, operator, place)
             JOIN pg_catalog.pg_attribute child ON child.attrelid = c.conrelid AND child.attnum = k.child
             JOIN pg_catalog.pg_attribute parent ON parent.attrelid = c.confrelid AND parent.attnum = k.parent
             JOIN pg_catalog.pg_operator o ON o.oid = k.operator
             JOIN pg_catalog.pg_namespace s ON s.oid = o.oprnamespace ORDER BY k.place)
FROM pg_catalog.pg_constraint c
LEFT JOIN pg_catalog.pg_class p ON p.oid = c.confrelid
LEFT JOIN pg_catalog.pg_namespace n ON n.oid = p.relnamespace
WHERE c.conrelid = %s::bigint::pg_catalog.oid AND c.contype IN ('c', 'f', 'n') AND c.conparentid = 0
ORDER BY c.contype, c.conname
"""


async def read_constraints(session: Session, oid: int, *, doing: str) -> tuple[Constraint, ...]:
    """The constraints of a table that stand on no index of its own."""
    enforced = "c.conenforced" if session.connection.info.server_version >= 180000 else "true"
    rows = await session.query(_QUESTION.format(enforced=enforced), [oid], doing=doing)
    return tuple(
        Constraint(
            oid=number,
            name=name,
            kind=kind,
            definition=definition,
            valid=valid,
            enforced=kept,
            comment=comment,
            parent=TableName(schema, table) if parent else None,
            parent_spelled=spelled,
            parent_oid=parent,
            on_itself=parent == oid,
            refers=tuple((given, same) for given, same in refers),
        )
        for number, name, kind, definition, valid, kept, comment, schema, table, spelled, parent, refers in rows
    )
