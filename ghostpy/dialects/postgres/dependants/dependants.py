"""What points at the source from outside, and how it is pointed at the new table in the exchange.

A name can go over to another table, but views, foreign keys, policies, rules and publications keep to the table they
were made on (its OID). So they are dropped before the two tables change places and made again after it, all in the
exchange's one transaction; and what cannot be made again is a refusal, named.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from ghostpy.dialects.postgres import quote
from ghostpy.dialects.postgres.dependants import rehearsal
from ghostpy.dialects.postgres.dependants.columns import ColumnChanges, column_changes
from ghostpy.dialects.postgres.dependants.dependant_findings import findings_of
from ghostpy.dialects.postgres.dependants.inbound_keys import rebuilt_key
from ghostpy.dialects.postgres.dependants.inventory import Inventory, inventory, table_oid, undone
from ghostpy.dialects.postgres.dependants.outside_policies import rebuilt_policy
from ghostpy.dialects.postgres.dependants.outside_rules import rebuilt_rule
from ghostpy.dialects.postgres.dependants.publications import rebuilt_publication
from ghostpy.dialects.postgres.dependants.rebuilt import EMPTY_PATH, RELATION, Rebuilt, Relation, relation
from ghostpy.dialects.postgres.dependants.views import rebuilt_view
from ghostpy.dialects.postgres.session import Session
from ghostpy.model.finding import Finding, Severity
from ghostpy.model.names import TableName


class Dependants(Struct, frozen=True):
    """What points at the source, as statements for the exchange."""

    findings: tuple[Finding, ...]
    fingerprint: str
    """Of what the catalogs said; see `fingerprint_of`."""
    locks: tuple[str, ...] = ()
    """Lock everything here but the source, in this order; for the exchange's transaction, before the source's lock."""
    before_move: tuple[str, ...] = ()
    """For the same transaction, when the source is locked and both tables are still in their places."""
    after_move: tuple[str, ...] = ()
    """For the same transaction, when the new table has the source's name, keys and owner; empties the search path."""
    later: tuple[str, ...] = ()
    """Each for itself, after the exchange; they read whole tables."""


async def dependants_of(
    session: Session,
    source: TableName,
    clone: TableName | None = None,
    *,
    refresh_materialized: bool,
    allow_all_tables: bool,
    columns: Sequence[tuple[str, str]] | None = None,
) -> Dependants:
    """What points at `source`, tried on stand-ins of `clone`: made from the source with its keys, then altered.

    `columns`: pairs of the source's and the clone's, where their places do not tell.

    Without a clone the findings are those that any change has, and the statements good for one that renames no column.
    Changes nothing; a transaction that is open goes on. Raises SourceChanged where a table is gone.
    """
    async with undone(session):
        oid = await table_oid(session, source)
        found = await inventory(session, oid)
        changes = await _changes(session, oid, clone, columns)
        things = _things(found)
        findings = findings_of(
            found,
            things,
            changes,
            refresh_materialized=refresh_materialized,
            allow_all_tables=allow_all_tables,
            version=session.connection.info.server_version,
            partitioned=clone is not None and await _partitioned(session, clone),
        )
        if clone is not None and things and not any(each.severity is Severity.REFUSE for each in findings):
            itself = await _relation(session, oid)
            things, refusals = await _rehearsed(session, oid, itself, things, changes, quote.table(clone))
            findings += refusals
    return Dependants(
        findings=tuple(findings),
        fingerprint=found.fingerprint,
        locks=_locks(things, source),
        before_move=tuple(each.drop for each in reversed(things)),
        after_move=(EMPTY_PATH, *(text for each in things for text in (each.create, *each.extras))) if things else (),
        later=tuple(text for each in things for text in each.later),
    )


async def fingerprint_of(session: Session, source: TableName) -> str:
    """Differs from that of `dependants_of` as soon as anything points at `source` otherwise than it did then."""
    async with undone(session):
        return (await inventory(session, await table_oid(session, source))).fingerprint


def _things(found: Inventory) -> list[Rebuilt]:
    """In the order they are made again: nothing speaks of what comes after it."""
    return [
        *map(rebuilt_view, found.of("view")),
        *map(rebuilt_rule, found.of("view rule")),
        *map(rebuilt_rule, found.of("rule")),
        *map(rebuilt_policy, found.of("policy")),
        *map(rebuilt_key, found.of("key")),
        *map(rebuilt_publication, found.of("publication")),
    ]


async def _partitioned(session: Session, table: TableName) -> bool:
    sql = f"SELECT relkind = 'p' FROM pg_class WHERE oid = {await table_oid(session, table)}"
    return bool(await session.scalar(sql, doing="looking at the table"))


async def _changes(
    session: Session, source: int, clone: TableName | None, columns: Sequence[tuple[str, str]] | None
) -> ColumnChanges:
    if clone is None:
        return ColumnChanges((), (), (), ())
    return await column_changes(session, source, await table_oid(session, clone), columns)


async def _rehearsed(
    session: Session, oid: int, source: Relation, things: list[Rebuilt], changes: ColumnChanges, clone: str
) -> tuple[list[Rebuilt], list[Finding]]:
    stand_ins = rehearsal.StandIns(oid, source, [each.on for each in things])
    if changes.names:
        things, findings = await rehearsal.renamed(session, stand_ins, things, changes, _things)
        if findings:
            return things, findings
    return things, await rehearsal.refused(session, stand_ins, things, clone)


async def _relation(session: Session, oid: int) -> Relation:
    sql = f"SELECT {RELATION} FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = {oid}"
    return relation(await session.scalar(sql, doing="looking at the table"))


def _locks(things: Iterable[Rebuilt], source: TableName) -> tuple[str, ...]:
    """Views from the top down, as their readers lock them; then tables by name, in one order for all runs."""
    things = list(things)
    views = [each.on for each in reversed(things) if each.is_view]
    others = {each.on for each in things} - set(views)
    rest = sorted((each for each in others if (each.schema, each.name) != (source.schema, source.table)), key=str)
    return tuple(each.lock for each in [*views, *rest])
