"""Which locks the steps of a change take: the server is asked, on a temporary table like the source.

Who makes a table has the strongest lock on it until the transaction ends, so a stand-in that is never committed cannot tell. A temporary
one can be: nobody else sees it, and the server drops it with the session even where that is killed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence

from msgspec.structs import replace

from ghostpy import errors
from ghostpy.dialects.postgres.in_place.locks import strongest, words_of
from ghostpy.dialects.postgres.in_place.marks import Leftovers
from ghostpy.dialects.postgres.in_place.parent_stand_ins import redirected_to_stand_ins
from ghostpy.dialects.postgres.in_place.stand_in import TEMPORARY, make_stand_in
from ghostpy.dialects.postgres.in_place.steps import Step
from ghostpy.dialects.postgres.session import Session
from ghostpy.model.names import TableName
from ghostpy.planning.postgres_clauses import Clause

Rebuild = Callable[[TableName, Sequence[Clause], Mapping[str, str]], Sequence[Step]]
"""The steps of the change, for another table and with other clauses; the parents of its foreign keys by their stand-ins."""

_DOING = "asking which locks the change takes"
_WAIT = "500ms"
_HELD = """
SELECT l.relation::int8, l.mode FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation' AND l.granted AND c.relkind IN ('r', 'p')
    AND c.relnamespace = pg_my_temp_schema()
"""
# Tables tied to the stand-in by a foreign key, and the real ones that they stand for.
_TIED = """
SELECT CASE WHEN k.conrelid = %s::int8::oid THEN k.confrelid ELSE k.conrelid END::int8, format('%%I.%%I', n.nspname, c.relname)
FROM pg_constraint k JOIN pg_constraint s ON s.conname = k.conname AND s.contype = 'f' AND %s::int8::oid IN (s.conrelid, s.confrelid)
JOIN pg_class c ON c.oid = CASE WHEN k.conrelid = %s::int8::oid THEN s.confrelid ELSE s.conrelid END
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE k.contype = 'f' AND %s::int8::oid IN (k.conrelid, k.confrelid) AND k.conrelid <> k.confrelid
"""


async def with_locks(
    session: Session,
    source: TableName,
    oid: int,
    steps: Sequence[Step],
    clauses: Sequence[Clause],
    left: Leftovers,
    taken: frozenset[str],
    rebuild: Rebuild,
) -> Sequence[Step]:
    """`steps` with the locks that the server took for the same on a temporary table; as they are where that could not be tried.

    `session` is outside of a transaction. `clauses`: those of the change, as far as they can be tried on a stand-in.
    """
    clone = TableName(TEMPORARY, source.table)
    try:
        async with session.transaction():
            await session.execute(f"SET LOCAL lock_timeout = '{_WAIT}'", doing=_DOING)
            made = await make_stand_in(session, source, oid, clone, left=left, taken=taken)
            redirected, parents = await redirected_to_stand_ins(session, clauses, oid, clone)
            names = dict(await session.query(_TIED, [made, oid, made, made], doing=_DOING))
            for stand, real in parents.items():
                found = await session.scalar("SELECT %s::regclass::oid::int8", [stand], doing=_DOING)
                names[found] = real
        trial = rebuild(clone, redirected, {real: stand for stand, real in parents.items()})
        if len(trial) > len(steps):
            return steps
        asked = [await _asked(session, one, made, names) for one in trial]
    except (errors.ServerGone, errors.TransientError):
        raise
    except errors.GhostpyError:
        return steps  # no right to make temporary tables, or a clause that those do not have
    finally:
        if session.is_open:
            with contextlib.suppress(errors.GhostpyError):
                await session.execute("DISCARD TEMP", doing=_DOING)
    return [_told(step, asked[number] if number < len(asked) else None) for number, step in enumerate(steps)]


async def _asked(session: Session, step: Step, made: int, names: Mapping[int, str]) -> Mapping[str, str]:
    """The modes by tables; the stand-in's under the empty name."""
    modes: dict[str, list[str]] = {}
    async with session.transaction():
        for sql in step.sql:
            # No transaction block allows that, and nobody else sees the table.
            await session.execute(sql.replace(" CONCURRENTLY", "", 1) if step.alone else sql, doing=_DOING)
        for relation, mode in await session.query(_HELD, doing=_DOING):
            name = "" if relation == made else names.get(relation)
            if name is not None:
                modes.setdefault(name, []).append(words_of(mode))
    return {name: strongest(held) for name, held in modes.items()}


def _told(step: Step, asked: Mapping[str, str] | None) -> Step:
    if asked is None or step.alone:
        return step
    others = tuple(sorted((name, mode) for name, mode in asked.items() if name))
    return replace(step, lock=asked.get("", ""), others=others)
