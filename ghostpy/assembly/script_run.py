"""The statements of a script, carried out in their order, each exactly once."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager

from msgspec.structs import replace

from ghostpy import errors
from ghostpy.assembly.run import migrate
from ghostpy.assembly.script_deciding import Decider, migration_of, plan_of
from ghostpy.model.finding import Severity
from ghostpy.model.plan import Strategy
from ghostpy.model.progress import RunReport
from ghostpy.model.script import Decided, Kind, Note, Script, ScriptReport, Statement, Way
from ghostpy.planning.script_ledger import Next, Progress, next_of
from ghostpy.preflight.refusal import refusing
from ghostpy.protocols import Applying, Observer
from ghostpy.settings import MigrateSettings

_MOST_TOGETHER = 100
"""Statements of one transaction, where the script itself wishes for none."""
_BETWEEN_LOOKS = 60.0
"""Seconds after which a session that waits for a migration is used, so that nobody on the way forgets it."""


class ScriptRun:
    """One run. Who has it holds the lock of all scripts of the database."""

    def __init__(
        self,
        script: Script,
        progress: Progress,
        server: Applying,
        settings: MigrateSettings,
        observer: Observer,
        watched: Callable[[MigrateSettings], AbstractContextManager[Observer]],
    ) -> None:
        self._script = script
        self._before = self._done = progress.done
        self._begun = progress.begun
        self._server = server
        self._settings = settings
        self._observer = observer
        self._watched = watched
        self._decider = Decider(server, settings)
        self._group: list[Decided] = []
        self._ways: Counter[str] = Counter()

    async def run(self) -> ScriptReport:
        """Go on to the end of the script. Raises GhostpyError with a note that says how much is done."""
        try:
            await self._all()
        except (errors.GhostpyError, asyncio.CancelledError) as ended:
            if isinstance(ended, errors.PlanRefused):
                ended.hint = "Nothing was changed by that statement. Mend the script from there on, then run the same command again."
            ended.add_note(self._how_far())
            raise
        total = len(self._script.noted)
        return ScriptReport(self._script.name, total, self._done, self._before, tuple(self._ways.items()))

    async def _all(self) -> None:
        inside = False
        for statement in self._script.statements:
            if statement.kind is Kind.SESSION:
                await self._flush()
                await self._server.session(statement)
            elif statement.kind in (Kind.BEGIN, Kind.COMMIT):
                await self._flush()
                inside = statement.kind is Kind.BEGIN
            elif statement.number > self._before:
                await self._next(statement, inside=inside)
                self._begun = None
        await self._flush()

    async def _next(self, statement: Statement, *, inside: bool) -> None:
        if self._begun is not None and await self._was_done(statement, self._begun):
            return
        try:
            decided = await self._decider.decide(statement)
            if decided.way is Way.LATER:
                await self._flush()
                decided = await self._decider.decide(statement)
            self._judge(decided)
        except errors.GhostpyError:
            if not inside:  # else the script wishes for all of its transaction or for nothing
                await self._flush()
            raise
        if decided.way is not Way.TOGETHER:
            await self._flush()
            await (self._online(decided) if decided.way is Way.ONLINE else self._direct(decided))
            self._decider.forget()
            return
        if statement.alone:
            await self._flush()
        self._group.append(decided)
        limit = _MOST_TOGETHER if self._server.transactional else 1
        if statement.alone or statement.moves or (not inside and len(self._group) >= limit):
            await self._flush()

    def _judge(self, decided: Decided) -> None:
        """Tell of warnings. Raises PlanRefused where something stands against the statement."""
        against = refusing(decided.findings)
        if against:
            told = "; ".join(finding.told for finding in against)
            raise errors.PlanRefused(
                f"line {decided.statement.line} of {self._script.name} cannot be applied: {told}",
                findings=decided.findings,
            )
        for finding in decided.findings:
            # A migration tells of its own.
            if finding.severity is Severity.WARN and decided.way is not Way.ONLINE:
                self._observer.happened(f"line {decided.statement.line}: {finding.told}", warning=True)

    # --- the ways ----------------------------------------------------------------------------------------------------

    async def _flush(self) -> None:
        """Carry out what was collected, in one transaction."""
        group, self._group = self._group, []
        if not group:
            return
        notes = [_note(each.statement, each, done=True) for each in group]
        await self._server.together(self._script.name, [each.statement for each in group], notes)
        for each in group:
            self._count(each.statement, each.strategy or each.way.value)
        self._decider.forget()

    async def _direct(self, decided: Decided) -> None:
        statement = decided.statement
        evidence = await self._server.evidence(statement)
        await self._server.note(self._script.name, _note(statement, decided, done=False, evidence=evidence))
        try:
            await self._server.direct(statement)
        except errors.ConnectionFailed:
            raise  # it may be done
        except errors.GhostpyError:
            await self._server.withdraw(self._script.name, statement.number)
            raise
        await self._noted(statement, decided)

    async def _online(self, decided: Decided) -> None:
        statement, table = decided.statement, decided.table
        assert table is not None
        begun = self._begun
        # What was there before an earlier run began counts, not what that left.
        evidence = begun.evidence if begun is not None else await self._server.evidence(statement)
        await self._server.note(self._script.name, _note(statement, decided, done=False, evidence=evidence))
        settings = migration_of(self._settings, self._server, statement.alter, table)
        self._observer.happened(f"{statement.told}: {table} is changed as by `ghostpy migrate`")
        try:
            async with self._kept_alive():
                with self._watched(settings) as observer:
                    report = await migrate(settings, observer)
        except (errors.PlanRefused, errors.UsageError):
            await self._server.recovered()
            if begun is None:
                await self._server.withdraw(self._script.name, statement.number)
            raise
        await self._server.recovered()
        strategy = report.strategy if isinstance(report, RunReport) else decided.strategy
        await self._noted(statement, replace(decided, strategy=strategy))

    async def _noted(self, statement: Statement, decided: Decided) -> None:
        await self._server.note(self._script.name, _note(statement, decided, done=True))
        self._count(statement, decided.strategy or decided.way.value)

    def _count(self, statement: Statement, how: str) -> None:
        self._done = statement.number
        self._ways[how] += 1
        total = len(self._script.noted)
        self._observer.happened(f"statement {statement.number} of {total} is done: {statement.told}, {how}")

    @asynccontextmanager
    async def _kept_alive(self) -> AsyncIterator[None]:
        async def look() -> None:
            while True:
                await asyncio.sleep(_BETWEEN_LOOKS)
                with contextlib.suppress(errors.GhostpyError):
                    await self._server.recovered()

        task = asyncio.create_task(look(), name="keep the session")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    # --- what an earlier run has begun -------------------------------------------------------------------------------

    async def _was_done(self, statement: Statement, note: Note) -> bool:
        """Whether a statement that was begun is done; then that is noted. Raises CutOverInDoubt where nobody but a person can tell."""
        seen = await self._server.seen(note.evidence, vanishes=statement.vanishes)
        answer = next_of(statement, note, seen)
        if note.digest != statement.digest:
            if answer is not Next.AGAIN:
                text = (
                    f"{self._script.name} was changed since an earlier run began its statement {note.number}, another {note.verb} "
                    f"(line {note.line}), which may have been carried out; nothing was changed"
                )
                raise errors.CannotResume(
                    text, hint="Give the script as it was, or say --in-doubt done or --in-doubt again."
                )
            self._begun = None
            return False
        if answer is Next.PLAN:
            answer = await self._left_to_do(statement, note)
        if answer is Next.DOUBT:
            answer = self._told(statement)
        if answer is Next.AGAIN:
            self._begun = note if note.way == Way.ONLINE.value else None
            return False
        decided = Decided(statement, Way(note.way), strategy=note.strategy)
        self._observer.happened(
            f"{statement.told} was carried out by an earlier run, as the server shows", warning=True
        )
        await self._noted(statement, decided)
        return True

    async def _left_to_do(self, statement: Statement, note: Note) -> Next:
        """The table is not what it was before a migration of it began."""
        standing = await self._server.standing(statement)
        if standing.table is None:
            return Next.DOUBT
        migration = migration_of(self._settings, self._server, statement.alter, standing.table)
        try:
            plan = await plan_of(migration)
        except errors.PlanRefused:
            return Next.DOUBT
        # Done, but for what it may have left, which the migration itself removes; or one of several steps, with which it goes on.
        goes_on = note.strategy == Strategy.STAGED.value and statement.repeatable
        return Next.AGAIN if plan.strategy is Strategy.NOTHING or goes_on else Next.DOUBT

    def _told(self, statement: Statement) -> Next:
        said = self._settings.script.in_doubt
        if said:
            return Next(said)
        raise errors.CutOverInDoubt(
            f"{statement.told} of {self._script.name} was begun by a run that was ended, and the server does not show whether it was "
            "carried out",
            hint="Look at it, then run the same command with --in-doubt done or --in-doubt again.",
        )

    def _how_far(self) -> str:
        total, done = len(self._script.noted), self._done
        if not done:
            return f"No statement of {self._script.name} is done."
        following = next((each for each in self._script.noted if each.number == done + 1), None)
        behind = f"; the same command goes on with {following.told}" if following is not None else ""
        return f"{done} of {total} statements of {self._script.name} are done; nothing was undone{behind}."


def _note(statement: Statement, decided: Decided, *, done: bool, evidence: str = "") -> Note:
    return Note(
        statement.number,
        statement.digest,
        done,
        statement.line,
        statement.verb,
        decided.way.value,
        decided.strategy,
        evidence,
    )
