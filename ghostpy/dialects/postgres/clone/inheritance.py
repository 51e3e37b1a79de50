"""From what stands on the source and on the altered clone to what the new table must get, and when."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence

from msgspec.structs import replace

from ghostpy.dialects.postgres import quote
from ghostpy.dialects.postgres.clone.altered import Altered, Heir
from ghostpy.dialects.postgres.clone.constraint_definitions import FOREIGN_KEY, Constraint
from ghostpy.dialects.postgres.clone.definitions import Definitions
from ghostpy.dialects.postgres.clone.index_definitions import IndexDefinition
from ghostpy.dialects.postgres.clone.lent_sequences import Lent
from ghostpy.dialects.postgres.clone.sequences import (
    Counter,
    OwnedSequence,
    counters,
    owned_by,
    read_sequences,
    usual_access,
)
from ghostpy.dialects.postgres.clone.stand_in_parents import with_partitions
from ghostpy.dialects.postgres.grants import GRANTS, column_grants, exploded, relation_grants
from ghostpy.dialects.postgres.session import Session
from ghostpy.model.names import TableName

_DOING = "reading what the altered clone has"
_RESYNC_NEEDS = {"SELECT", "INSERT", "UPDATE", "DELETE"}
_CHANGES_OWNER = re.compile(r"\bowner\s+to\b", re.IGNORECASE)


async def inherit(
    session: Session,
    source: Definitions,
    of_source: Sequence[OwnedSequence],
    clone: Definitions,
    indexes: tuple[IndexDefinition, ...],
    stood: Mapping[int, Counter],
    alters: Sequence[str],
) -> Altered:
    """What the new table must have. `of_source`: its sequences; `stood`: where the clone's stood before the ALTER, by their oids."""
    columns = await paired(session, source, clone)
    renamed = dict(columns)
    owner = clone.owner if any(_CHANGES_OWNER.search(alter) for alter in alters) else source.owner
    of_clone = await read_sequences(session, clone.table, doing=_DOING)
    heirs = await _heirs(session, of_source, of_clone, stood)
    granted, late = await _grants(session, source, owner, renamed)
    keys = [constraint for constraint in clone.constraints if constraint.kind == FOREIGN_KEY]
    left = [key for key in source.constraints if key.kind == FOREIGN_KEY and not key.on_itself]
    left_parents = await with_partitions(session, [key.parent for key in left if key.parent])
    parents = await with_partitions(session, [key.parent for key in keys if key.parent and not key.on_itself])
    kept = {statistics.name for statistics in clone.statistics}
    statistics = tuple(each for each in source.statistics if each.name in kept)
    names = {heir.old for heir in heirs}
    return Altered(
        columns=columns,
        indexes=indexes,
        before_exchange=(
            *await _owned(session, clone.table, owner),
            *(_statistics_owned(each.name, each.owner) for each in statistics),
            clone.replica_identity_statement(),
            *(line for policy in clone.policies for line in (_if_there(policy.drop), *policy.create)),
            *granted,
            *(line for each in of_source if each.name in names for line in each.grants(owner)),
            *await _new_sequences(session, source.table.schema, of_clone, owner, names),
        ),
        after_exchange=tuple(
            f"ALTER TABLE {quote.table(source.table)} VALIDATE CONSTRAINT {quote.name(key.name)}"
            for key in keys
            if key.valid and key.enforced
        ),
        foreign_parents=_others(left_parents, source.table),
        new_foreign_parents=_others((parent for parent in parents if parent not in left_parents), source.table),
        left_foreign_keys=tuple(key.name for key in left),
        statistics=statistics,
        heirs=heirs,
        lent=_lent(of_source, renamed, None if owner == source.owner else owner),
        parts=(*clone.triggers, *clone.rules),
        constraints=tuple(c for c in clone.constraints if c.kind == FOREIGN_KEY or c.holds_new_rows_only),
        new_foreign_keys=_new_foreign_keys(source, keys),
        row_security=clone.row_security_statements(),
        late_grants=late,
        stream_index=clone.stream_index,
    )


_PAIRED = """
SELECT s.attname, c.attname
FROM (SELECT attname, row_number() OVER (ORDER BY attnum) AS place FROM pg_attribute
      WHERE attrelid = %s::int8::oid AND attnum > 0 AND NOT attisdropped) s
JOIN pg_attribute c ON c.attrelid = %s::int8::oid AND c.attnum = s.place AND NOT c.attisdropped
ORDER BY s.place
"""


async def paired(session: Session, source: Definitions, clone: Definitions) -> tuple[tuple[str, str], ...]:
    """The source's columns that the clone still has, each with its name there.

    LIKE numbers the clone's columns without the gaps of dropped ones; from then on a column keeps its number, whatever becomes of it.
    """
    rows = await session.query(_PAIRED, [source.oid, clone.oid], doing=_DOING)
    return tuple((old, new) for old, new in rows)


def _new_foreign_keys(source: Definitions, keys: Iterable[Constraint]) -> tuple[Constraint, ...]:
    known = {(key.name, key.definition) for key in source.constraints}
    return tuple(
        key
        for key in keys
        if key.valid and key.enforced and not key.on_itself and key.parent and (key.name, key.definition) not in known
    )


def _others(parents: Iterable[TableName], source: TableName) -> tuple[TableName, ...]:
    return tuple(parent for parent in parents if parent != source)


# --- sequences ---------------------------------------------------------------------------------------------------------


def _lent(sequences: Iterable[OwnedSequence], renamed: Mapping[str, str], new_owner: str | None) -> tuple[Lent, ...]:
    return tuple(
        Lent(TableName(each.schema, each.name), each.column, renamed[each.column], new_owner)
        for each in sequences
        if not each.identity and each.column in renamed
    )


async def _heirs(
    session: Session,
    of_source: Iterable[OwnedSequence],
    of_clone: Iterable[OwnedSequence],
    stood: Mapping[int, Counter],
) -> tuple[Heir, ...]:
    """The identity sequences that are still the source's, and that the ALTER has not set to a value of its own (RESTART)."""
    still = [each for each in of_clone if each.oid in stood]
    stand = await counters(session, still, doing=_DOING)
    names = {each.name for each in still if stand[each.oid] == stood[each.oid]}
    return tuple(Heir(new=each.name, old=each.name) for each in of_source if each.identity and each.name in names)


async def _new_sequences(
    session: Session, schema: str, of_clone: Iterable[OwnedSequence], owner: str, carried: Collection[str]
) -> list[str]:
    """Privileges of the sequences that the ALTER added, as they would be if `owner` had made them in `schema`."""
    made = [each for each in of_clone if each.name not in carried]
    usual = await usual_access(session, owner, schema, doing=_DOING) if made else None
    return [line for each in made for line in replace(each, access=each.access | usual).grants(owner)] if usual else []


# --- owner and privileges ------------------------------------------------------------------------------------------------


async def _owned(session: Session, clone: TableName, owner: str) -> list[str]:
    """Statements that give the new table away. Its new owner must be able to create in its schema ("ALTER TABLE", OWNER TO)."""
    user, superuser = (
        await session.query("SELECT current_user, rolsuper FROM pg_roles WHERE rolname = current_user", doing=_DOING)
    )[0]
    if user == owner:
        return []
    give = f"ALTER TABLE {quote.name(clone.table)} OWNER TO {quote.name(owner)}"
    return [give] if superuser else [_in_our_schema("USAGE, CREATE", [owner]), give]


def _in_our_schema(privileges: str, roles: Iterable[str]) -> str:
    """A statement that lets roles into the first schema of the search_path; it is ours, and gone after the run."""
    grant = f"GRANT {privileges} ON SCHEMA %I TO {', '.join(quote.name(role).replace('%', '%%') for role in roles)}"
    return (
        "DO LANGUAGE plpgsql $ghostpy$ BEGIN "
        f"EXECUTE pg_catalog.format({quote.text(grant)}, pg_catalog.current_schema()); "
        "END $ghostpy$"
    )


def _statistics_owned(name: str, owner: str) -> str:
    return f"ALTER STATISTICS {quote.name(name)} OWNER TO {quote.name(owner)}"


async def _grants(
    session: Session, source: Definitions, owner: str, renamed: Mapping[str, str]
) -> tuple[list[str], tuple[str, ...]]:
    """Privileges of the table and its columns: those for any time, and those that would take from the owner what resync needs."""
    described = owned_by(
        await session.scalar(
            f"SELECT {GRANTS} FROM pg_class c WHERE c.oid = %s::int8::oid", [source.oid], doing=_DOING
        ),
        owner,
    )
    table = quote.name(source.table.table)
    granted, entries = relation_grants(table, described), list(described["entries"] or ())
    for column, access in await session.query(_COLUMN_ACCESS, [source.oid], doing=_DOING):
        if column in renamed:
            theirs = owned_by({"owner": source.owner, "entries": access}, owner)["entries"]
            granted += column_grants(table, renamed[column], owner, theirs)
            entries += theirs or ()
    own = {entry["privilege"] for entry in described["entries"] or () if entry["grantee"] == owner}
    if not described["untouched"] and not own >= _RESYNC_NEEDS:
        return [], tuple(granted)
    # Who may not look into a schema does not find our table there, but the source in the next one.
    grantors = sorted({entry["grantor"] for entry in entries} - {owner})
    return [_in_our_schema("USAGE", grantors), *granted] if grantors else granted, ()


_COLUMN_ACCESS = f"""
SELECT a.attname, {exploded("a.attacl")} FROM pg_attribute a
WHERE a.attrelid = %s::int8::oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attacl IS NOT NULL ORDER BY a.attnum
"""


def _if_there(drop: str) -> str:
    return drop.replace("DROP POLICY ", "DROP POLICY IF EXISTS ", 1)
