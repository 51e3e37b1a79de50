"""Which way a change goes: the server itself says, on an empty stand-in of the table that nobody else ever sees."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from ghostpy import errors
from ghostpy.dialects.postgres import quote
from ghostpy.dialects.postgres.driver_errors import LockNotAvailable
from ghostpy.dialects.postgres.facts import ServerFacts
from ghostpy.dialects.postgres.in_place import marks, probe
from ghostpy.dialects.postgres.in_place.in_steps import ORDERS, Order, assembled, at_once, in_order, proves
from ghostpy.dialects.postgres.in_place.led_here import nowhere, on_source, only_twins, same_shape, undoing
from ghostpy.dialects.postgres.in_place.lock_asking import Rebuild, with_locks
from ghostpy.dialects.postgres.in_place.locks import lock_of, strongest
from ghostpy.dialects.postgres.in_place.parent_stand_ins import redirected_to_stand_ins
from ghostpy.dialects.postgres.in_place.probe import Effects
from ghostpy.dialects.postgres.in_place.recipes import Recipes
from ghostpy.dialects.postgres.in_place.stand_in import make_stand_in, users_of_columns
from ghostpy.dialects.postgres.in_place.steps import Choice, Step, Verdict
from ghostpy.dialects.postgres.in_place.table_state import FOREIGN_KEY, TableState, table_state
from ghostpy.dialects.postgres.in_place.verdicts import reason_of, verdict_of
from ghostpy.dialects.postgres.session import Session
from ghostpy.model.finding import Finding, Severity
from ghostpy.model.names import TableName
from ghostpy.model.plan import Strategy
from ghostpy.planning.postgres_alter import AlterText, statements
from ghostpy.planning.postgres_clauses import Clause, Kind

__all__ = ["Choice", "Step", "choose"]

_ATTEMPTS = 20
_TRYING = "trying the ALTER on an empty table"
# They are about what a stand-in does not have, or is not; none of them takes time.
_NOT_TRIED = frozenset(
    {Kind.OWNER, Kind.TRIGGER, Kind.RULE, Kind.RENAME_TABLE, Kind.SET_SCHEMA, Kind.INHERIT, Kind.PARTITION}
)
# Of these the stand-in shows for certain whether they change anything.
_COMPARED = frozenset(
    {Kind.ADD_COLUMN, Kind.DROP_COLUMN, Kind.ALTER_TYPE, Kind.SET_NOT_NULL, Kind.DROP_NOT_NULL, Kind.SET_DEFAULT}
    | {Kind.DROP_DEFAULT, Kind.DROP_EXPRESSION, Kind.DROP_CONSTRAINT, Kind.SET_STORAGE, Kind.CREATE_INDEX}
    | {Kind.DROP_INDEX, Kind.VALIDATE, Kind.ADD_CHECK, Kind.ADD_UNIQUE, Kind.ADD_PRIMARY_KEY, Kind.ADD_NOT_NULL}
)
_NAMED_BY_CLAUSE = (Kind.ADD_UNIQUE, Kind.ADD_PRIMARY_KEY, Kind.ADD_EXCLUDE, Kind.CREATE_INDEX)


async def choose(session: Session, source: TableName, alter: AlterText, *, scratch: str, facts: ServerFacts) -> Choice:
    """Decide, in a transaction of its own that is rolled back. `session` is in autocommit and outside of a transaction.

    `scratch` is the schema in which the stand-in is made; it may be there or not. Raises what the server raises where it refuses the
    ALTER, and LockNotAvailable where a table that the ALTER refers to stays locked.
    """
    for attempt in range(_ATTEMPTS):
        try:
            chooser = _Chooser(session, source, alter, TableName(scratch, source.table), facts)
            async with session.transaction(keep=False):
                choice = await chooser.choose()
            return await chooser.with_locks(choice)
        except (LockNotAvailable, errors.TransientError):
            if attempt == _ATTEMPTS - 1:
                raise
        await asyncio.sleep(random.uniform(0.1, 0.5))
    raise AssertionError("the last attempt returns or raises")


def _found(removal: Sequence[Step]) -> list[Finding]:
    if not removal:
        return []
    what = ", ".join(step.doing.removeprefix("dropping ") for step in removal)
    text = f"a change that did not come to its end left {what}"
    return [Finding("leftover-steps", text, "That is removed first.", Severity.WARN)]


class _Chooser:
    def __init__(
        self, session: Session, source: TableName, alter: AlterText, clone: TableName, facts: ServerFacts
    ) -> None:
        self._session = session
        self._source = source
        self._clone = clone
        self._facts = facts
        self._oid = 0
        self._clauses = alter.clauses
        self._originals = tuple(clause for clause in alter.clauses if clause.kind not in _NOT_TRIED)
        self._tried: tuple[Clause, ...] = ()
        self._parents: dict[str, str] = {}
        self._comments: dict[str, str] = {}
        self._untried = tuple(clause for clause in alter.clauses if clause.kind in _NOT_TRIED)
        self._taken_names = frozenset(
            clause.name for clause in alter.clauses if clause.name and clause.kind in _NAMED_BY_CLAUSE
        )
        self._left = marks.Leftovers()
        self._rebuild: Rebuild | None = None
        """Makes the steps once more for another table, where there are steps; the last `_planned` of the choice's."""
        self._planned = 0

    async def choose(self) -> Choice:
        self._oid = int(
            await self._session.scalar(
                "SELECT c.oid::int8 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
                "WHERE n.nspname = %s AND c.relname = %s",
                [self._source.schema, self._source.table],
                doing="looking for the table",
            )
        )
        self._left = left = await marks.find_leftovers(self._session, self._source)
        removal = marks.removal(self._source, left, self._taken_names)
        made = await make_stand_in(
            self._session, self._source, self._oid, self._clone, left=left, taken=self._taken_names
        )
        self._tried, self._parents = await redirected_to_stand_ins(
            self._session, self._originals, self._oid, self._clone
        )
        findings = [*self._findings(), *_found(removal)]
        choice = await self._choice(made)
        return Choice(
            choice.strategy if not (choice.strategy is Strategy.NOTHING and removal) else Strategy.STAGED,
            choice.reason,
            (*removal, *choice.steps),
            choice.verdicts,
            (*findings, *choice.findings),
            choice.concerns,
            choice.parents,
        )

    async def with_locks(self, choice: Choice) -> Choice:
        """`choice` with the locks that the server says its steps take; the transaction that it was made in has ended."""
        if self._rebuild is None:
            return choice
        removed = len(choice.steps) - self._planned
        steps = await with_locks(
            self._session,
            self._source,
            self._oid,
            choice.steps[removed:],
            self._originals,
            self._left,
            self._taken_names,
            self._rebuild,
        )
        untried = lock_of(self._untried) if self._untried else ""
        # What was not tried stands in the step that completes the change.
        told = [replace(s, lock=strongest([s.lock, untried])) if s.completes and s.quick else s for s in steps]
        return replace(choice, steps=(*choice.steps[:removed], *told))

    def _findings(self) -> list[Finding]:
        moves = [clause for clause in self._clauses if clause.kind in (Kind.RENAME_TABLE, Kind.SET_SCHEMA)]
        if len(moves) < 2:
            return []
        text = f"the table would move twice: {' and '.join(clause.text for clause in moves)}"
        return [Finding("renames-table", text, "Do one after the other.")]

    async def _choice(self, oid: int) -> Choice:
        try:
            async with probe.undone(self._session):
                whole = await self._run(oid, self._tried)
        except (errors.ServerGone, errors.TransientError):
            raise
        except errors.GhostpyError:
            return await self._without_users(oid)
        source = await table_state(self._session, self._oid)
        self._comments = {name: each.comment for name, each in source.constraints.items() if each.comment is not None}
        parents = self._changed_parents(whole, source)
        if self._changes_nothing(whole):
            return self._nothing(whole.before)
        if not whole.work and not any(clause.kind is Kind.DROP_INDEX for clause in self._tried):
            step = at_once(self._source, self._clauses, parents)
            self._rebuild, self._planned = (lambda clone, clauses, _: (at_once(clone, clauses),)), 1
            return Choice(Strategy.INSTANT, "only the catalogs change", (step,), parents=parents)
        return await self._by_clauses(oid, whole, parents)

    async def _without_users(self, oid: int) -> Choice:
        """Where nothing but what uses single columns stands in the way, a new table is the way."""
        try:
            whole = await self._run_unused(oid)
        except (errors.ServerGone, errors.TransientError):
            raise
        except errors.GhostpyError:
            now = await table_state(self._session, oid)
            if await self._led_here(oid, now):
                return self._nothing(now)
            raise
        if self._changes_nothing(whole):
            return self._nothing(whole.before)
        return Choice(
            Strategy.SHADOW,
            "PostgreSQL does not alter columns in place that a view, a rule, a policy, a trigger, a function or a publication uses",
        )

    async def _run_unused(self, oid: int, undo: Sequence[str] = ()) -> Effects:
        """The clauses, after `undo`, on a stand-in of whose columns nothing else makes use; all of it is undone."""
        async with probe.undone(self._session):
            await self._session.execute(f"DROP VIEW IF EXISTS {users_of_columns(self._clone)}", doing=_TRYING)
            for statement in undo:
                await self._session.execute(statement, doing=_TRYING)
            return await self._run(oid, self._tried)

    async def _led_here(self, oid: int, now: TableState) -> bool:
        """Whether the ALTER is refused because its outcome is there."""
        undo = undoing(self._tried, now, self._clone)
        if self._untried or not undo:
            return False
        try:
            whole = await self._run_unused(oid, undo)
        except (errors.ServerGone, errors.TransientError):
            raise
        except errors.GhostpyError:
            return False
        source = await table_state(self._session, self._oid)
        states = (on_source(state, now, source, self._parents) for state in (now, whole.before, whole.after))
        return same_shape(self._tried, *states)

    def _nothing(self, now: TableState) -> Choice:
        findings = nowhere(self._tried, now, self._source)
        return Choice(Strategy.NOTHING, "the table is as the ALTER would make it", findings=findings)

    async def _by_clauses(self, oid: int, whole: Effects, parents: tuple[str, ...]) -> Choice:
        tried = [(clause, whole) for clause in self._tried]
        try:
            if len(tried) > 1:
                async with probe.undone(self._session):
                    tried = [(clause, await self._run(oid, [clause])) for clause in self._tried]
        except (errors.ServerGone, errors.TransientError):
            raise
        except errors.GhostpyError:
            return Choice(Strategy.SHADOW, f"{reason_of(whole)}, and its clauses cannot be told apart")
        recipes = Recipes(self._clone)
        verdicts = tuple(verdict_of(clause, effects, recipes.recipe(clause, effects)) for clause, effects in tried)
        slow = [verdict for verdict in verdicts if verdict.strategy is Strategy.SHADOW]
        if slow or whole.table_moved:
            reason = "; ".join(dict.fromkeys(f"{verdict.clause}: {verdict.reason}" for verdict in slow))
            return Choice(Strategy.SHADOW, reason or reason_of(whole), verdicts=verdicts)
        for order in ORDERS:
            steps = assembled(recipes, self._clone, tried, order)
            if steps and await proves(self._session, oid, steps, whole.after):
                return await self._staged(tried, verdicts, whole, parents, order)
        reason = f"{reason_of(whole)}, and its clauses depend on each other, so that they cannot be done one by one"
        return Choice(Strategy.SHADOW, reason, verdicts=verdicts)

    async def _staged(
        self,
        tried: Sequence[tuple[Clause, Effects]],
        verdicts: tuple[Verdict, ...],
        whole: Effects,
        parents: tuple[str, ...],
        order: Order,
    ) -> Choice:
        names, findings = await self._free_names(whole)
        recipes = Recipes(self._source, names, self._parents, self._comments)
        originals = [(original, effects) for original, (_, effects) in zip(self._originals, tried, strict=True)]
        unchanged = [(clause, Effects(whole.after, whole.after)) for clause in self._untried]
        steps = assembled(recipes, self._source, [*originals, *unchanged], order)

        def rebuild(clone: TableName, clauses: Sequence[Clause], stands: Mapping[str, str]) -> Sequence[Step]:
            parents = {mine: stands[real] for mine, real in self._parents.items() if real in stands}
            again = [(clause, effects) for clause, (_, effects) in zip(clauses, tried, strict=True)]
            return assembled(Recipes(clone, None, parents, self._comments), clone, again, order) or ()

        self._rebuild, self._planned = rebuild, len(steps or ())
        reason = "; ".join(f"{each.clause}: {each.reason}" for each in verdicts if each.strategy is Strategy.STAGED)
        # A stand-in has no children, and indexes are built on one table only.
        concerns = frozenset({"inherited"})
        return Choice(Strategy.STAGED, reason, steps or (), verdicts, findings, concerns, parents)

    async def _run(self, oid: int, clauses: Sequence[Clause]) -> Effects:
        lines = statements(in_order(clauses), quote.table(self._clone))
        return await probe.run(self._session, oid, lines, doing=_TRYING)

    def _changes_nothing(self, whole: Effects) -> bool:
        if self._untried or whole.table_moved:
            return False
        # A column that is dropped and made anew is the same, but for its values.
        dropped = [clause.column for clause in self._tried if clause.kind is Kind.DROP_COLUMN and clause.column]
        if any(whole.before.column(name) for name in dropped):
            return False
        if only_twins(self._tried, whole.before, whole.after):
            return True
        compared = all(clause.kind in _COMPARED for clause in self._tried)
        # That rows would be looked at once more does not matter; but who drops an index and makes it again wants a new one.
        anew = whole.built and any(clause.kind is Kind.DROP_INDEX for clause in self._tried)
        return compared and not anew and whole.before.same_definition(whole.after)

    def _changed_parents(self, whole: Effects, source: TableState) -> tuple[str, ...]:
        """Tables that foreign keys point to which come, go or change; or whose columns get another type."""
        before, after = whole.before.constraints, whole.after.constraints
        retyped = {clause.column for clause in self._tried if clause.kind is Kind.ALTER_TYPE}
        changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
        changed |= {name for name, each in source.constraints.items() if retyped.intersection(each.columns)}
        found = [source.constraints.get(name) or after.get(name) for name in changed]
        parents = {each.parent for each in found if each and each.kind == FOREIGN_KEY and each.parent}
        return tuple(sorted(self._parents.get(parent, parent) for parent in parents))

    async def _free_names(self, whole: Effects) -> tuple[dict[str, str], tuple[Finding, ...]]:
        """Names for new indexes that the source's schema has another use for; those that the user gave are findings."""
        given = {clause.name for clause in self._clauses}
        names: dict[str, str] = {}
        findings: list[Finding] = []
        for name in whole.after.indexes.keys() - whole.before.indexes.keys():
            if not await self._taken(name):
                continue
            if name in given:
                text = f"there is something else called {name} in the schema {self._source.schema}"
                findings.append(Finding("name-taken", text, "Give the index another name."))
                continue
            number = 1
            while await self._taken(f"{name}{number}"):
                number += 1
            names[name] = f"{name}{number}"
        return names, tuple(findings)

    async def _taken(self, name: str) -> bool:
        """Whether a relation has this name that would be in the way; not an index of the source that is dropped before."""
        return bool(
            await self._session.scalar(
                "SELECT true FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
                "LEFT JOIN pg_index i ON i.indexrelid = c.oid "
                "WHERE n.nspname = %s AND c.relname = %s AND NOT (i.indexrelid IS NOT NULL AND NOT i.indisvalid "
                "AND i.indrelid = %s::regclass)",
                [self._source.schema, name, quote.table(self._source)],
                doing="looking for a free name",
            )
        )
