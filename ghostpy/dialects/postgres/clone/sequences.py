"""Sequences that belong to a table's columns.

One of a serial column is a thing by itself: it goes over to the new table as it is, with its value. One of an identity column cannot
be separated from its table; the new table has another one, which takes over the value ("ALTER SEQUENCE", OWNED BY).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from msgspec import Struct

from ghostpy.dialects.postgres import quote
from ghostpy.dialects.postgres.grants import exploded, relation_grants
from ghostpy.dialects.postgres.session import Session
from ghostpy.model.names import TableName

Counter: TypeAlias = tuple[int, bool]
"""Where a sequence stands: its last value, and whether that has been given out."""


class OwnedSequence(Struct, frozen=True):
    """A sequence owned by `column`, in the table's own schema."""

    name: str
    schema: str
    column: str
    identity: bool
    oid: int
    data_type: str
    comment: str | None
    access: dict[str, Any]

    @property
    def owner(self) -> str:
        return str(self.access["owner"])

    @property
    def full(self) -> str:
        return quote.table(TableName(self.schema, self.name))

    def grants(self, owner: str) -> list[str]:
        """Statements for another sequence of this name, which belongs to `owner`."""
        return relation_grants(f"SEQUENCE {quote.name(self.name)}", owned_by(self.access, owner))


_BORN_WITH = """(SELECT jsonb_agg(DISTINCT CASE WHEN x.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(x.grantee)) END)
    FROM pg_default_acl f CROSS JOIN aclexplode(f.defaclacl) x
    WHERE f.defaclrole = current_user::regrole AND f.defaclobjtype = 'S' AND f.defaclnamespace IN (0, s.relnamespace))"""

# deptype: a is a serial's, i an identity's ("pg_depend").
_QUESTION = f"""
SELECT s.relname, n.nspname, a.attname, d.deptype = 'i', s.oid::int8, q.seqtypid::regtype::text, obj_description(s.oid, 'pg_class'),
       jsonb_build_object('owner', pg_get_userbyid(s.relowner), 'entries', {exploded("s.relacl")}, 'untouched', s.relacl IS NULL,
           'usual', (SELECT jsonb_agg(privilege_type) FROM aclexplode(acldefault('s', s.relowner))), 'born_with', {_BORN_WITH})
FROM pg_depend d
JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
JOIN pg_sequence q ON q.seqrelid = s.oid
JOIN pg_namespace n ON n.oid = s.relnamespace
JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = %s::regclass
  AND d.deptype IN ('a', 'i') ORDER BY a.attnum, s.relname
"""


async def read_sequences(session: Session, table: TableName, *, doing: str) -> tuple[OwnedSequence, ...]:
    """The sequences that the columns of `table` own."""
    return tuple(OwnedSequence(*row) for row in await session.query(_QUESTION, [quote.table(table)], doing=doing))


async def counters(session: Session, sequences: Sequence[OwnedSequence], *, doing: str) -> dict[int, Counter]:
    """Where each of `sequences` stands, by its oid."""
    if not sequences:
        return {}
    asked = (f"SELECT {sequence.oid}::int8, last_value, is_called FROM {sequence.full}" for sequence in sequences)
    rows = await session.query(" UNION ALL ".join(asked), doing=doing)
    return {oid: (value, called) for oid, value, called in rows}


def owned_by(access: dict[str, Any], owner: str) -> dict[str, Any]:
    """The same access list after a change of owner, who takes the former's place in it ("ALTER TABLE", OWNER TO)."""
    former = access["owner"]
    if former == owner:
        return access
    entries = [
        {**entry, **{role: owner for role in ("grantor", "grantee") if entry[role] == former}}
        for entry in access["entries"] or ()
    ]
    return {**access, "owner": owner, "entries": None if access["entries"] is None else entries}


# An entry without a schema stands for the built-in list, one with a schema adds to it ("ALTER DEFAULT PRIVILEGES").
_USUAL = f"""
WITH own AS (SELECT defaclnamespace AS schema, defaclacl AS acl FROM pg_default_acl
             WHERE defaclrole = %s::text::regrole AND defaclobjtype = 'S'
               AND defaclnamespace IN (0, (SELECT oid FROM pg_namespace WHERE nspname = %s::text))),
whole AS (SELECT coalesce((SELECT acl FROM own WHERE schema = 0), acldefault('s', %s::text::regrole))
              || coalesce((SELECT acl FROM own WHERE schema <> 0), ARRAY[]::aclitem[]) AS acl)
SELECT {exploded("whole.acl")}, NOT EXISTS (SELECT FROM own) FROM whole
"""


async def usual_access(session: Session, owner: str, schema: str, *, doing: str) -> dict[str, Any]:
    """Whom a new sequence of `owner` in `schema` is open to."""
    role = quote.name(owner)
    entries, untouched = (await session.query(_USUAL, [role, schema, role], doing=doing))[0]
    return {"owner": owner, "entries": entries, "untouched": untouched}
