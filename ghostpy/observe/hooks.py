"""Programs of the user's that run at moments of a migration: gh-ost's directory, names and effects."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from ghostpy.errors import HookFailed
from ghostpy.model.moment import HookOutput, Moment
from ghostpy.model.progress import Progress
from ghostpy.observe.hook_process import run_hook
from ghostpy.observe.hook_variables import PREFIX, HookFacts, document, variables
from ghostpy.observe.status_line import status_line
from ghostpy.protocols import Moments, Observer
from ghostpy.settings import HookSettings

_IGNORED = frozenset({Moment.BATCH_COPY_RETRY, Moment.STATUS, Moment.START_REPLICATION, Moment.FAILURE})
"""Moments at which a failure is only logged."""


class NoHooks:
    """Fulfils `Moments` where nobody is to be asked."""

    async def reached(self, moment: Moment, detail: str = "") -> None:
        return


class Hooks:
    """Fulfils `Moments` by the programs in a directory, one after the other, looked up afresh each time.

    `facts` may be replaced while it goes on. A moment that is reached again while its hooks still run waits for them.
    """

    def __init__(
        self, settings: HookSettings, facts: HookFacts, progress: Callable[[], Progress], observer: Observer
    ) -> None:
        assert settings.path is not None
        self.facts = facts
        self._path = settings.path
        self._limit = settings.timeout
        self._ignored = _IGNORED if settings.count_may_veto else _IGNORED | {Moment.ROWCOUNT_COMPLETE}
        self._progress = progress
        self._observer = observer
        self._one_at_a_time: defaultdict[Moment, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def reached(self, moment: Moment, detail: str = "") -> None:
        async with self._one_at_a_time[moment]:
            try:
                for path in hooks_at(self._path, moment):
                    await self._run(path, moment, detail)
            except HookFailed as failure:
                if moment not in self._ignored:
                    raise
                self._observer.happened(f"{failure.message}; the run goes on", warning=True)

    async def _run(self, path: Path, moment: Moment, detail: str) -> None:
        progress = self._progress()
        self._observer.happened(f"hook {path.name}")
        await run_hook(
            path,
            variables(self.facts, progress, moment, detail),
            document(self.facts, progress, moment, detail, datetime.now().astimezone()),
            lambda line: self._observer.happened(HookOutput(line)),
            limit=self._limit,
        )


def hooks_at(folder: Path, moment: Moment) -> Sequence[Path]:
    """The files in `folder` whose names begin with the moment's, in the order of their names' bytes."""
    try:
        found = [path for path in folder.absolute().iterdir() if path.name.startswith(f"{PREFIX}{moment.value}")]
    except OSError as error:
        raise HookFailed(f"the hooks in {folder} cannot be listed: {error.strerror}") from error
    return sorted(found, key=lambda path: path.name.encode(errors="surrogateescape"))


async def regular_status(moments: Moments, progress: Callable[[], Progress], seconds: int) -> None:
    """Reach the moment of the status line every `seconds` until cancelled; 0 or less: never."""
    while seconds > 0:
        await moments.reached(Moment.STATUS, status_line(progress()))
        await asyncio.sleep(seconds)
