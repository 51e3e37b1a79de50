"""What the exchange back comes down to, found when it is to come: what hangs on the table then is what the old one gets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ghostpy.dialects.postgres import quote
from ghostpy.dialects.postgres.clone.altered import Altered, Heir
from ghostpy.dialects.postgres.clone.constraint_definitions import FOREIGN_KEY, Constraint
from ghostpy.dialects.postgres.clone.definitions import Definitions, Statistics, read_definitions
from ghostpy.dialects.postgres.clone.lent_sequences import Lent
from ghostpy.dialects.postgres.clone.sequences import read_sequences
from ghostpy.dialects.postgres.clone.stand_in_parents import with_partitions
from ghostpy.dialects.postgres.dependants.dependants import dependants_of
from ghostpy.dialects.postgres.fingerprint import table_fingerprint
from ghostpy.dialects.postgres.grants import GRANTS, column_grants, exploded, relation_grants
from ghostpy.dialects.postgres.revert_record import behind
from ghostpy.dialects.postgres.session import Session
from ghostpy.dialects.postgres.standstill import firing
from ghostpy.dialects.postgres.work import Work
from ghostpy.model.finding import Finding, Severity
from ghostpy.model.names import TableName
from ghostpy.model.revertible import Revertible
from ghostpy.settings import TargetSettings

_DOING = "looking at what the exchange back takes along"


async def work_back(
    session: Session, noted: Revertible, settings: TargetSettings, lent: Sequence[Lent] = ()
) -> tuple[Work, list[Finding]]:
    """The work, and what speaks against it. `lent`: sequences that an earlier attempt has let go already.

    In autocommit, outside of a transaction. Raises SourceChanged where a table is gone, MissingPrivilege.
    """
    told = behind(noted)
    async with session.transaction(keep=False, doing=_DOING):
        source = await read_definitions(session, noted.source, (noted.source.schema,), doing=_DOING)
        old = await read_definitions(session, noted.old, (noted.source.schema,), doing=_DOING)
        altered, findings = await _altered(session, noted, source, old, lent)
    dependants = await dependants_of(
        session,
        noted.source,
        noted.old,
        refresh_materialized=settings.refresh_materialized,
        allow_all_tables=settings.allow_all_tables,
        columns=noted.pairs,
    )
    fingerprint = await table_fingerprint(session, noted.source)
    work = Work(told.source_oid, fingerprint, alters=(), dependants=dependants, altered=altered)
    return work, [*findings, *dependants.findings]


async def _altered(
    session: Session, noted: Revertible, source: Definitions, old: Definitions, lent: Sequence[Lent]
) -> tuple[Altered, list[Finding]]:
    still = behind(noted).standstill
    leaving = [each for each in source.constraints if each.kind == FOREIGN_KEY and not each.on_itself]
    coming = [key for key in still.keys if not key.on_itself and key.parent]
    findings = await _unreachable(session, coming)
    left_parents = await with_partitions(session, _parents(leaving))
    new_parents = () if findings else await with_partitions(session, _parents(coming))
    triggers, rules = await firing(session, source.oid)
    heirs, lending, counters = await _sequences(session, noted, lent)
    return Altered(
        columns=noted.pairs,
        indexes=(),
        before_exchange=(),
        after_exchange=tuple(
            f"ALTER TABLE {quote.name(noted.source.table)} VALIDATE CONSTRAINT {quote.name(key.name)}"
            for key in still.keys
            if key.valid and key.enforced
        ),
        foreign_parents=tuple(each for each in left_parents if each != noted.source),
        new_foreign_parents=tuple(each for each in new_parents if each not in (*left_parents, noted.source)),
        left_foreign_keys=tuple(key.name for key in leaving),
        statistics=tuple(Statistics(name, schema, "", "") for schema, name in still.statistics),
        heirs=heirs,
        lent=lending,
        parts=still.end(quote.table(noted.source), triggers=triggers, rules=rules),
        constraints=still.keys,
        late_grants=await _grants(session, noted, source, old),
    ), [*findings, *counters, *await _in_the_way(session, noted, source, old)]


def _parents(keys: Sequence[Constraint]) -> list[TableName]:
    return [key.parent for key in keys if key.parent]


_REACHABLE = """
SELECT has_any_column_privilege(oid, 'REFERENCES') AND has_table_privilege(oid, 'UPDATE, DELETE, TRUNCATE')
FROM pg_class WHERE oid = to_regclass(%s)
"""


async def _unreachable(session: Session, keys: Sequence[Constraint]) -> list[Finding]:
    """Foreign keys that the old table had, and cannot get again."""
    findings = []
    for key in keys:
        assert key.parent is not None
        allowed = await session.scalar(_REACHABLE, [quote.table(key.parent)], doing=_DOING)
        text = f"the old table had the foreign key {key.name} to {key.parent}"
        if allowed is None:
            findings.append(Finding("revert-parent-gone", f"{text}, which is not there any more", ""))
        elif not allowed:
            way_out = "GRANT REFERENCES, UPDATE ON it TO our role."
            findings.append(
                Finding("missing-privilege", f"{text}; our role may not lock that and refer to it", way_out)
            )
    return findings


# --- names -------------------------------------------------------------------------------------------------------------

_MOVING = """
WITH moving AS (
    SELECT i.indrelid AS relation, c.relname, c.oid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    UNION ALL
    SELECT d.refobjid, c.relname, c.oid FROM pg_depend d JOIN pg_class c ON c.oid = d.objid AND c.relkind = 'S'
    WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
)
SELECT moving.relname::text FROM moving
JOIN pg_class stays ON stays.relname = moving.relname
    AND stays.relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = %s::int8::oid)
WHERE moving.relation = %s::int8::oid
    AND NOT EXISTS (SELECT FROM moving own WHERE own.relation = %s::int8::oid AND own.oid = stays.oid)
ORDER BY 1
"""


async def _in_the_way(session: Session, noted: Revertible, source: Definitions, old: Definitions) -> list[Finding]:
    """What the old table brings back under a name that somebody else has in the schema by now."""
    rows = await session.query(_MOVING, [source.oid, old.oid, source.oid], doing="looking for names")
    return [
        Finding(
            "revert-name-taken",
            f"the old table has an index or a sequence {name}, and something else in the schema {noted.source.schema} is called so by now",
            "Rename that first.",
        )
        for (name,) in rows
    ]


# --- sequences ---------------------------------------------------------------------------------------------------------

_DRAWN_BY_DEFAULTS = """
SELECT DISTINCT s.oid::int8 FROM pg_attrdef a JOIN pg_depend d ON d.classid = 'pg_attrdef'::regclass AND d.objid = a.oid
JOIN pg_class s ON s.oid = d.refobjid AND d.refclassid = 'pg_class'::regclass AND s.relkind = 'S'
WHERE a.adrelid = %s::regclass
"""


async def _sequences(
    session: Session, noted: Revertible, lent: Sequence[Lent]
) -> tuple[tuple[Heir, ...], tuple[Lent, ...], list[Finding]]:
    """Identity columns go on where those of the new table stand; sequences that the old table's defaults draw from are its own again."""
    pairs = dict(noted.pairs)
    theirs = await read_sequences(session, noted.source, doing=_DOING)
    ours = {each.column: each for each in await read_sequences(session, noted.old, doing=_DOING) if each.identity}
    drawn = {oid for (oid,) in await session.query(_DRAWN_BY_DEFAULTS, [quote.table(noted.old)], doing=_DOING)}
    lending = {each.sequence: each for each in lent}
    heirs = []
    for each in theirs:
        column = pairs.get(each.column)
        if column is None:
            continue
        if each.identity and column in ours:
            heirs.append(Heir(new=ours.pop(column).name, old=each.name))
        elif not each.identity and each.oid in drawn:
            name = TableName(each.schema, each.name)
            lending[name] = Lent(name, each.column, column, None)
    findings = [
        Finding(
            "revert-counter",
            f"the identity column {column} of the old table counts on from where it stood at the exchange",
            f"Set it after the revert: ALTER TABLE … ALTER COLUMN {quote.name(column)} RESTART WITH ….",
            severity=Severity.WARN,
        )
        for column in ours
        if column in pairs.values()
    ]
    return tuple(heirs), tuple(lending.values()), findings


# --- privileges --------------------------------------------------------------------------------------------------------

_COLUMN_ACCESS = f"""
SELECT a.attname::text, {exploded("a.attacl")} FROM pg_attribute a
WHERE a.attrelid = %s::int8::oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attacl IS NOT NULL ORDER BY a.attnum
"""
_TABLE_ACCESS = f"SELECT {GRANTS} FROM pg_class c WHERE c.oid = %s::int8::oid"


async def _grants(session: Session, noted: Revertible, source: Definitions, old: Definitions) -> tuple[str, ...]:
    """Privileges of the old table as the new one has them now; those of columns that only the old one has stay. Nothing, where they are so."""
    pairs = dict(noted.pairs)
    now = await session.scalar(_TABLE_ACCESS, [source.oid], doing=_DOING)
    then = await session.scalar(_TABLE_ACCESS, [old.oid], doing=_DOING)
    now_columns = {
        pairs[column]: entries
        for column, entries in await session.query(_COLUMN_ACCESS, [source.oid], doing=_DOING)
        if column in pairs
    }
    then_columns: dict[str, Any] = dict(await session.query(_COLUMN_ACCESS, [old.oid], doing=_DOING))
    wanted = now_columns | {column: entries for column, entries in then_columns.items() if column not in pairs.values()}
    if (_listed(now["entries"]), _by_column(wanted)) == (_listed(then["entries"]), _by_column(then_columns)):
        return ()
    table = quote.table(noted.source)
    holders = {entry["grantee"] for entry in (then["entries"] or ())}
    holders |= {entry["grantee"] for entries in then_columns.values() for entry in entries or ()}
    spelled = sorted("PUBLIC" if holder is None else quote.name(holder) for holder in holders)
    # A list that is empty would leave the usual one.
    fresh = {**now, "born_with": spelled or [quote.name(old.owner)]}
    lines = relation_grants(table, fresh)
    for column, entries in wanted.items():
        lines += column_grants(table, column, old.owner, entries)
    return tuple(f"{line} CASCADE" if line.startswith("REVOKE ALL") else line for line in lines)


def _listed(entries: Sequence[Mapping[str, Any]] | None) -> set[tuple[Any, ...]] | None:
    if entries is None:
        return None
    return {(e["grantor"], e["grantee"], e["privilege"], e["grantable"]) for e in entries}


def _by_column(columns: Mapping[str, Sequence[Mapping[str, Any]] | None]) -> dict[str, set[tuple[Any, ...]] | None]:
    return {column: _listed(entries) for column, entries in columns.items()}
