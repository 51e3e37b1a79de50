"""Everything that must be made again is made once before, on stand-ins, and undone: so it is known how, and that it can.

A stand-in has its original's name in a schema of its own, whose name appears nowhere else; so texts are turned from the
originals to the stand-ins and back by their qualified names. Where the change renames columns, the server itself says
how each definition reads with the new names: the definitions are made on a stand-in of the source as it is, the
stand-in's columns are renamed, and the definitions read again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from msgspec.structs import replace

from ghostpy import errors
from ghostpy.dialects.postgres import quote
from ghostpy.dialects.postgres.dependants.columns import ColumnChanges
from ghostpy.dialects.postgres.dependants.inventory import Inventory, inventory, table_oid, undone
from ghostpy.dialects.postgres.dependants.rebuilt import Rebuilt, Relation
from ghostpy.dialects.postgres.session import Session
from ghostpy.model.finding import Finding
from ghostpy.model.names import TableName

_DOING = "trying what points at the table on stand-ins"

_DIVIDED = "SELECT coalesce(' PARTITION BY ' || pg_get_partkeydef($MODEL::regclass), '')"
_KEYS = """
SELECT pg_get_constraintdef(k.oid), (SELECT string_agg(pg_get_indexdef(i.indexrelid, place, false), ', ' ORDER BY place)
    FROM generate_series(1, i.indnkeyatts) AS place)
FROM pg_index i
LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.conrelid = i.indrelid AND k.contype IN ('p', 'u')
WHERE i.indrelid = $MODEL::regclass AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
    AND (i.indisunique OR k.oid IS NOT NULL)
ORDER BY i.indexrelid
"""


class StandIns:
    """The stand-ins' names. `source` is the source, `others` what else needs one."""

    def __init__(self, oid: int, source: Relation, others: Iterable[Relation]) -> None:
        self.source = source
        relations = {each.spelled: each for each in (source, *others)}
        schemas = {each.schema: each.schema_spelled for each in relations.values()}
        self._schemas = {f"_ghostpy_{oid}_{number}": pair for number, pair in enumerate(sorted(schemas.items()))}
        stands = {schema: stand for stand, (schema, _) in self._schemas.items()}
        self._spelled = {each.spelled: f"{stands[each.schema]}{_after_schema(each)}" for each in relations.values()}
        longest_first = sorted(map(re.escape, self._spelled), key=len, reverse=True)
        self._originals = re.compile(rf'(?<![\w"$.])(?:{"|".join(longest_first)})(?![\w"$])')
        self._stands = re.compile(rf'(?<![\w"$.])({"|".join(self._schemas)})\.')

    @property
    def schemas(self) -> Iterable[str]:
        return self._schemas

    def spelled(self, original: Relation) -> str:
        return self._spelled[original.spelled]

    def redirected(self, text: str) -> str:
        """`text` about the stand-ins instead of the originals."""
        return self._originals.sub(lambda found: self._spelled[found[0]], text)

    def restored(self, text: str) -> str:
        """`text` about the originals instead of the stand-ins."""
        return self._stands.sub(lambda found: f"{self._schemas[found[1]][1]}.", text)

    def original_schema(self, schema: str) -> str:
        return self._schemas[schema][0]

    def source_name(self) -> TableName:
        stand = next(stand for stand, (schema, _) in self._schemas.items() if schema == self.source.schema)
        return TableName(stand, self.source.name)


def _after_schema(relation: Relation) -> str:
    return relation.spelled.removeprefix(relation.schema_spelled)


async def renamed(
    session: Session,
    stand_ins: StandIns,
    things: Sequence[Rebuilt],
    changes: ColumnChanges,
    read: Callable[[Inventory], list[Rebuilt]],
) -> tuple[list[Rebuilt], list[Finding]]:
    """The same things, as they read after the renames. `read` makes them of an inventory."""
    async with undone(session, "ghostpy_renames"):
        await _set_up(session, stand_ins, things, stand_ins.source.spelled)
        findings = await _made(session, stand_ins, things)
        if findings:
            return list(things), findings
        oid = await table_oid(session, stand_ins.source_name())
        before = _by_place(stand_ins, read(await inventory(session, oid)))
        try:
            await session.execute(";".join(_renames(stand_ins.spelled(stand_ins.source), changes)), doing=_DOING)
        except errors.ServerError as error:
            return list(things), [_not_renamed(stand_ins.restored(error.message))]
        after = _by_place(stand_ins, read(await inventory(session, oid)))
    differing = [each for each in things if before.get(_place(each)) != each.create]
    return [replace(each, create=after.get(_place(each), "")) for each in things], [
        _unreadable(each) for each in differing
    ]


async def refused(session: Session, stand_ins: StandIns, things: Sequence[Rebuilt], clone: str) -> list[Finding]:
    """Try all things on a stand-in of the altered clone (spelled): what the server says against them."""
    async with undone(session, "ghostpy_rehearsal"):
        await _set_up(session, stand_ins, things, clone)
        return await _made(session, stand_ins, things)


async def _set_up(session: Session, stand_ins: StandIns, things: Sequence[Rebuilt], model: str) -> None:
    statements = [f"CREATE SCHEMA {schema}" for schema in stand_ins.schemas]
    stand = stand_ins.spelled(stand_ins.source)
    divided = await session.scalar(_DIVIDED.replace("$MODEL", quote.text(model)), doing=_DOING)
    statements += [f"CREATE TABLE {stand} (LIKE {model}){divided}", *await _keys(session, stand, model)]
    views = {each.on.spelled for each in things if each.is_view}
    others = {each.on.spelled: each.on for each in things}
    for spelled, other in sorted(others.items()):
        if spelled not in views and spelled != stand_ins.source.spelled:
            statements.append(f"CREATE TABLE {stand_ins.spelled(other)} (LIKE {spelled})")
    for statement in statements:
        await session.execute(statement, doing=_DOING)


async def _keys(session: Session, stand: str, model: str) -> list[str]:
    """Statements for the keys of a stand-in of `model`: foreign keys need them, and views that group by them."""
    rows = await session.query(_KEYS.replace("$MODEL", quote.text(model)), doing=_DOING)
    return [
        f"ALTER TABLE {stand} ADD {key}" if key else f"CREATE UNIQUE INDEX ON {stand} ({columns})"
        for key, columns in rows
    ]


async def _made(session: Session, stand_ins: StandIns, things: Sequence[Rebuilt]) -> list[Finding]:
    """Make all things on the stand-ins, but those that need what could not be made."""
    findings: list[Finding] = []
    failed: set[str] = set()
    for each in things:
        if failed & {*each.needs, str(each.on)}:
            failed |= {str(each.on)} if each.is_view else set()
            continue
        await session.execute("SAVEPOINT ghostpy_one", doing=_DOING)
        try:
            await session.execute(stand_ins.redirected(each.create), doing=_DOING)
        except errors.ConnectionFailed:
            raise
        except errors.GhostpyError as error:
            await session.execute("ROLLBACK TO SAVEPOINT ghostpy_one", doing=_DOING)
            failed |= {str(each.on)} if each.is_view else set()
            findings.append(_not_made(each, stand_ins.restored(error.message)))
    return findings


def _renames(spelled: str, changes: ColumnChanges) -> list[str]:
    """By way of names that nobody has, because two columns may have exchanged theirs."""
    alter = f"ALTER TABLE {spelled}"
    pairs = [(old, f"_ghostpy_{number}", new) for number, (old, new) in enumerate(changes.renamed)]
    statements = [f"{alter} DROP COLUMN {quote.name(dropped)}" for dropped in changes.dropped]
    statements += [f"{alter} RENAME COLUMN {quote.name(old)} TO {between}" for old, between, _ in pairs]
    statements += [f"{alter} RENAME COLUMN {between} TO {quote.name(new)}" for _, between, new in pairs]
    # Another column may make a name ambiguous, which the server then writes differently.
    return statements + [f"{alter} ADD COLUMN {quote.name(added)} text" for added in changes.added]


def _place(thing: Rebuilt, schema: str | None = None) -> tuple[str, str, str, str]:
    return thing.kind, schema or thing.on.schema, thing.on.name, thing.name


def _by_place(stand_ins: StandIns, things: Iterable[Rebuilt]) -> dict[tuple[str, str, str, str], str]:
    return {_place(each, stand_ins.original_schema(each.on.schema)): stand_ins.restored(each.create) for each in things}


def _not_made(thing: Rebuilt, message: str) -> Finding:
    return Finding(
        "dependant-refused",
        f"{thing} cannot be made again on the changed table: {message}",
        f"Change or drop {thing} first.",
    )


def _unreadable(thing: Rebuilt) -> Finding:
    return Finding(
        "dependant-unclear",
        f"it is not certain how {thing} reads with the new column names",
        f"Drop {thing} first, and create it again after the change.",
    )


def _not_renamed(message: str) -> Finding:
    return Finding(
        "dependant-refused",
        f"the change's column names do not go together with what uses the table: {message}",
        "Change or drop what uses them first.",
    )
