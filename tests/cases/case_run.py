"""Runs one case: writers, the migration beside them, and the comparison with what the server itself makes of the twin.

The twin is a second table that gets every statement of the writers in the same transaction. So at the end the twin, altered by the
server's own ALTER, must equal the migrated table: an oracle that knows nothing of ghostpy. What is particular to a database
stands behind `Twins`.
"""

from __future__ import annotations

import asyncio
import difflib
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

from case_files import Case, Transaction, filled_in
from msgspec.structs import replace

from ghostpy.assembly import migrate
from ghostpy.errors import DataDoesNotFit, DuplicateRows, GhostpyError, PlanRefused
from ghostpy.model.plan import Plan
from ghostpy.model.progress import Progress, RunReport
from ghostpy.settings import ConnectSettings, CopySettings, CutOverSettings, MigrateSettings, TargetSettings

_WRITERS = 2
_PATIENCE = 60.0
_PAUSE = 0.01
_SHOWN = 3
_ATTEMPTS = 5
_REFUSALS = (PlanRefused, DataDoesNotFit, DuplicateRows)


class Refused(Exception):
    """A statement that the server refused; `number` is the server's for the reason."""

    def __init__(self, number: object, text: str) -> None:
        super().__init__(text)
        self.number = number


class Pair(Protocol):
    """A session that changes both tables in one transaction."""

    passing: frozenset[object]
    """Reasons for a refusal that say nothing about the statement: deadlocks, lock timeouts."""
    overlapping: bool
    """Whether a statement that waited for a row sees what was committed meanwhile; where it does not, the two tables could
    answer differently to transactions that overlap, so there are none."""

    def on_source(self, statement: str) -> None: ...
    def on_twin(self, statement: str) -> None: ...
    def exchanged(self) -> bool:
        """Whether the exchange has happened, as far as the open transaction can see."""

    def at(self, moment: int) -> None:
        """Set the session's clock: both tables must get the same times."""

    def commit(self) -> None: ...
    def rollback(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *exc: object) -> None: ...


class Twins(Protocol):
    """The source and its twin on one server."""

    connect: ConnectSettings
    place: Mapping[str, str]
    """Where the source is, as fields of TargetSettings."""

    def pair(self) -> Pair: ...
    def settings(self) -> AbstractContextManager[None]:
        """The case's settings of the server, for the length of a block."""

    def close(self) -> None: ...
    def alter_twin(self) -> None:
        """Make the twin what the migration is to make of the source."""

    def rows(self, *, twin: bool, old: bool = False, ignore: Sequence[str] = ()) -> list[tuple[str, ...]]:
        """All rows, every value in a text that leaves nothing out, in a fixed order."""

    def definition(self, *, twin: bool = False) -> str:
        """The table's definition, and that of whatever hangs on it, without its counters."""

    def shape(self, *, old: bool = False) -> str:
        """What of the table's definition must still be there in the old table."""

    def counters(self, *, twin: bool) -> dict[str, int]:
        """The next numbers that are given out."""

    def things(self) -> set[str]:
        """The names of all that is there beside the source, and its own."""

    def old_things(self) -> set[str]:
        """The names of what a run leaves."""

    def check(self, statement: str) -> object:
        """The single value of a query over the migrated table."""


class Writers:
    """Sessions that execute the case's writes in turn. Statements are serial; commits overlap where they may."""

    def __init__(self, case: Case, twins: Twins) -> None:
        self.rows_at_exchange: list[tuple[str, ...]] | None = None
        self.number = 0
        self.committed: Counter[int] = Counter()
        self.failure: BaseException | None = None
        self._case = case
        self._twins = twins
        self._chance = random.Random(case.name)
        self._order = threading.Lock()
        self._stopping = False
        self._threads = [threading.Thread(target=self._write, name=f"writer-{i}") for i in range(_WRITERS)]

    def __enter__(self) -> Self:
        for thread in self._threads if self._case.writes else ():
            thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def stop(self) -> None:
        self._stopping = True
        for thread in self._threads:
            if thread.is_alive():
                thread.join()

    @property
    def at_work(self) -> bool:
        return any(thread.is_alive() for thread in self._threads)

    def more_rounds(self, rounds: int) -> None:
        """Return once every statement was executed this often again."""
        self._until(self.number + rounds * len(self._case.writes))

    def _until(self, number: int) -> None:
        deadline = time.monotonic() + _PATIENCE
        while self.number < number and self.at_work:
            assert time.monotonic() < deadline, "the writers stand still"
            time.sleep(0.005)

    def _write(self) -> None:
        try:
            with self._twins.pair() as pair:
                while not self._stopping:
                    self._one(pair)
                    time.sleep(_PAUSE)
        except BaseException as failure:
            self.failure = self.failure or failure
            self._stopping = True

    def _one(self, pair: Pair) -> None:
        writes = self._case.writes
        with self._order:
            if self._stopping:
                return
            place = self.number % len(writes)
            self.number += 1
            pair.at(self.number)
            statements = [filled_in(each, self.number, self._chance) for each in writes[place]]
            good = self._on_both(pair, statements)
            if not pair.overlapping:
                self._end(pair, place, good)
        if pair.overlapping:
            self._end(pair, place, good)

    def _end(self, pair: Pair, place: int, good: bool) -> None:
        if good:
            pair.commit()
            self.committed[place] += 1
        else:
            pair.rollback()

    def _on_both(self, pair: Pair, statements: Sequence[str]) -> bool:
        refused = _refusal(pair.on_source, statements)
        if self.rows_at_exchange is None and pair.exchanged():
            # The other writer cannot have a transaction open: had it seen the old table, the exchange would have waited for it.
            self.rows_at_exchange = self._twins.rows(twin=True)
            self._stopping = self._case.stop_at_exchange
        if self._stopping:
            return False
        refused_twin = _refusal(pair.on_twin, statements)
        numbers = {each.number for each in (refused, refused_twin) if each}
        if not numbers:
            return True
        alike = refused and refused_twin and refused.number == refused_twin.number
        # After the exchange the schemas differ, and so may what they take.
        if not (alike or numbers & pair.passing or self.rows_at_exchange is not None):
            raise AssertionError(f"source and twin answer differently to {statements}: {refused!r}, {refused_twin!r}")
        return False


def _refusal(execute: Callable[[str], None], statements: Sequence[str]) -> Refused | None:
    try:
        for statement in statements:
            execute(statement)
    except Refused as refused:
        return refused
    return None


@dataclass(frozen=True, slots=True)
class _Before:
    """What was there before the run."""

    definition: str | None
    """Where the run is to fail; else it takes its time."""
    shape: str
    things: set[str]


class _Watcher:
    """Holds the exchange back until every write was executed once more, with the copy complete."""

    def __init__(self, flag: Path, writers: Writers) -> None:
        self.happenings: list[str] = []
        self.warnings: list[str] = []
        self.postponed = asyncio.Event()
        self._flag = flag
        self._writers = writers

    def planned(self, plan: Plan, definition: str) -> None: ...
    def progressed(self, progress: Progress) -> None: ...
    def ended(self, report: RunReport) -> None: ...
    def happened(self, text: str, *, warning: bool = False) -> None:
        (self.warnings if warning else self.happenings).append(text)
        if "postponed" in text:
            self.postponed.set()

    async def release(self) -> None:
        await self.postponed.wait()
        await asyncio.to_thread(self._writers.more_rounds, 1)
        self._flag.unlink()


@dataclass(frozen=True, slots=True)
class _Lived:
    """What came of a case."""

    before: _Before
    writers: Writers
    watcher: _Watcher
    outcome: RunReport | GhostpyError
    during: int
    """How many statements of the writers' fell into the run."""


def run_case(case: Case, twins: Twins, tmp_path: Path) -> None:
    """Raises AssertionError where anything is not as it must be."""
    chance = random.Random(case.name)
    with _lived(case, twins, tmp_path, chance) as lived:
        if case.expect.error is None:
            if isinstance(lived.outcome, GhostpyError):
                raise lived.outcome
            _check_success(case, twins, lived, lived.outcome, chance)
            assert not case.writes or lived.during > 0, "nothing was written during the run"
        else:
            _check_failure(case, lived.outcome)
            _check_untouched(twins, lived.before)
    for place, write in enumerate(case.writes):
        assert lived.writers.committed[place], f"never succeeded: {write}"


def run_random(case: Case, twins: Twins, tmp_path: Path) -> bool:
    """Either all is as the server itself makes it, or the run is refused and all is as it was. Returns whether it was carried out."""
    chance = random.Random(case.name)
    with _lived(case, twins, tmp_path, chance) as lived:
        if isinstance(lived.outcome, GhostpyError):
            assert isinstance(lived.outcome, _REFUSALS), repr(lived.outcome)
            _check_untouched(twins, lived.before)
            return False
        # What cannot be compared by ghostpy is compared here.
        lived.watcher.warnings[:] = [text for text in lived.watcher.warnings if "leaves out" not in text]
        _check_success(case, twins, lived, lived.outcome, chance)
        return True


@contextmanager
def _lived(case: Case, twins: Twins, tmp_path: Path, chance: random.Random) -> Iterator[_Lived]:
    """Under the case's settings, in the block too."""
    with twins.pair() as pair:
        _apply(pair, case.create, chance)
    with twins.settings():
        definition = None if case.expect.error is None else twins.definition()
        before = _Before(definition, twins.shape(), twins.things())
        with Writers(case, twins) as writers:
            if case.writes:
                writers.more_rounds(1)
            began = writers.number
            watcher = _Watcher(tmp_path / "postpone", writers)
            outcome = asyncio.run(_migrated(case, twins, watcher, tmp_path / "postpone"))
            during = writers.number - began
            if case.writes:
                writers.more_rounds(2)
        if writers.failure:
            raise writers.failure
        yield _Lived(before, writers, watcher, outcome, during)


async def _migrated(case: Case, twins: Twins, watcher: _Watcher, flag: Path) -> RunReport | GhostpyError:
    settings = MigrateSettings(
        connect=replace(twins.connect, **case.connect),
        target=TargetSettings(
            **twins.place,
            alter=case.alter,
            transforms=tuple(case.transforms.items()),
            where=case.where,
            **{"strategy": "shadow", **case.target},
        ),
        copy=CopySettings(**{"chunk_rows": 20, "slice_seconds": 0.02, **case.copy}),
        cut_over=CutOverSettings(postpone_flag_file=flag),
        execute=True,
    )
    releasing = asyncio.create_task(watcher.release())
    try:
        async with asyncio.timeout(_PATIENCE):
            outcome = await migrate(settings, watcher)
    except GhostpyError as error:
        return error
    finally:
        releasing.cancel()
    assert not isinstance(outcome, Plan)
    return outcome


def _apply(pair: Pair, transactions: Sequence[Transaction], chance: random.Random) -> None:
    for number, statements in enumerate(transactions, 1):
        pair.at(-number)
        for each in statements:
            statement = filled_in(each, number, chance)
            pair.on_source(statement)
            pair.on_twin(statement)
        if len(statements) > 1:
            pair.commit()
    pair.commit()


def _check_success(case: Case, twins: Twins, lived: _Lived, report: RunReport, chance: random.Random) -> None:
    before, writers, watcher = lived.before, lived.writers, lived.watcher
    if report.old_table is None:
        assert twins.things() == before.things
    else:
        made = {f"table {case.schema}.{name}" for name in case.makes}
        assert twins.things() == before.things | twins.old_things() | made
        _same(twins.shape(old=True), before.shape, "the old table's definition, and that of the source before")
    if report.old_table is not None and case.writes:
        assert report.changes_seen > 0, "no change came by"
        assert writers.rows_at_exchange is not None, "no writer came by after the exchange"
        _equal(twins.rows(twin=False, old=True), writers.rows_at_exchange, "the old table and the twin at the exchange")
    twins.alter_twin()
    with twins.pair() as pair:
        _apply(pair, case.after, chance)
    _same(twins.definition(), twins.definition(twin=True), "the definitions of the migrated table and the twin")
    _equal(
        twins.rows(twin=False, ignore=case.ignore),
        twins.rows(twin=True, ignore=case.ignore),
        "the migrated table and the twin",
    )
    ours, theirs = twins.counters(twin=False), twins.counters(twin=True)
    for counter in ours.keys() & theirs.keys():
        assert ours[counter] >= theirs[counter], f"{counter} fell back: {ours[counter]}, should be {theirs[counter]}"
    for check in case.checks:
        assert twins.check(check) == 1, check
    assert report.differences_repaired == 0, watcher.warnings
    left_out = [text for text in watcher.warnings if "leaves out" in text]
    planned = [text for text in watcher.warnings if text.startswith("plan: ")]
    # A writer that holds the one table and waits for the other, which the exchange holds: the exchange gives way.
    retried = [
        text for text in watcher.warnings if text.startswith("cut-over attempt") and "due to lock timeout" in text
    ]
    assert len(retried) <= _ATTEMPTS, retried
    assert set(watcher.warnings) == {*left_out, *planned, *retried}, watcher.warnings
    told = ", ".join(case.uncompared)
    assert f"leaves out {told}:" in left_out[0] if left_out else not told, left_out


def _check_failure(case: Case, outcome: RunReport | GhostpyError) -> None:
    assert isinstance(outcome, GhostpyError), f"the run ended well: {outcome}"
    assert type(outcome).__name__ == case.expect.error, repr(outcome)
    for piece in case.expect.message:
        assert piece in outcome.message, outcome.message


def _check_untouched(twins: Twins, before: _Before) -> None:
    assert twins.things() == before.things
    definition = twins.definition()
    if before.definition is not None:
        _same(definition, before.definition, "the source's definition now and before")
    _same(definition, twins.definition(twin=True), "the definitions of the source and the twin")
    _equal(twins.rows(twin=False), twins.rows(twin=True), "the source and the twin")


def _same(ours: str, theirs: str, what: str) -> None:
    if ours != theirs:
        lines = difflib.unified_diff(ours.splitlines(), theirs.splitlines(), lineterm="", n=2)
        raise AssertionError(f"{what} differ:\n" + "\n".join(lines)[:6000])


def _equal(ours: list[tuple[str, ...]], theirs: list[tuple[str, ...]], what: str) -> None:
    if ours == theirs:
        return
    first, second = Counter(ours), Counter(theirs)
    only_first, only_second = list((first - second).elements()), list((second - first).elements())
    shown = "\n".join(
        [f"  < {row}"[:2000] for row in only_first[:_SHOWN]] + [f"  > {row}"[:2000] for row in only_second[:_SHOWN]]
    )
    raise AssertionError(f"{what} differ in {len(only_first)} and {len(only_second)} rows:\n{shown}")
