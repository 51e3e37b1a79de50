"""What is asked for before anything is changed: proof of a backup, and a command of the user's."""

from __future__ import annotations

import asyncio
import glob
import os
import shutil
import stat
import time
from collections.abc import Awaitable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from ghostpy import errors
from ghostpy.assembly.hooking import facts_of, on_server
from ghostpy.dialects import names_of
from ghostpy.model.backup import BackupFile, span
from ghostpy.model.finding import Finding
from ghostpy.model.moment import HookOutput, Moment
from ghostpy.model.plan import Plan, Strategy
from ghostpy.model.progress import Progress
from ghostpy.observe.hook_process import run_program
from ghostpy.observe.hook_variables import variables
from ghostpy.preflight.backup import before_findings, command_findings, file_findings
from ghostpy.preflight.refusal import refusal
from ghostpy.protocols import Observer
from ghostpy.settings import MigrateSettings

T = TypeVar("T")


class Beforehand:
    """For one call, which works on the server at `address`. A program's arguments are in no message: they may hold what nobody is to read."""

    def __init__(self, settings: MigrateSettings, address: str, observer: Observer) -> None:
        self._settings = settings
        self._asked = settings.backups
        self._address = address
        self._source = names_of(settings)[0]
        self._observer = observer

    async def proven(self, planned: Awaitable[T]) -> T:
        """What `planned` gives, once the backups asked for are seen. Raises PlanRefused with all that stands against the change.

        No backup is asked for where the plan is to do nothing.
        """
        try:
            plan = await planned
        except errors.PlanRefused as refused:
            # All of it at once; where the change was not looked at as a whole, that comes first.
            found = await self.findings() if refused.findings else ()
            if found:
                raise refusal(self._source, self._address, [*refused.findings, *found]) from refused
            raise
        if isinstance(plan, Plan) and plan.strategy is Strategy.NOTHING:
            return plan
        found = await self.findings()
        if found:
            raise refusal(self._source, self._address, found)
        return plan

    async def run(self) -> None:
        """Run the command of --before, if there is one. Nothing may be made yet. Raises BeforeFailed."""
        program = self._asked.before
        if not program:
            return
        self._observer.happened(f"--before: {program[0]} runs, before anything is changed")
        try:
            await self._ended(program, "--before", self._asked.before_timeout, aloud=True)
        except errors.HookFailed as failure:
            raise errors.BeforeFailed(
                f"{failure.message}; {self._source} on {self._address} was not changed, and nothing was created"
            ) from failure

    async def seen_to(self) -> None:
        """All of it, where another process carries the change out. Raises PlanRefused, or BeforeFailed."""
        found = await self.findings()
        if found:
            raise refusal(self._source, self._address, found)
        await self.run()

    async def findings(self) -> Sequence[Finding]:
        """What stands against the change of the backups asked for."""
        asked, found = self._asked, list[Finding]()
        for pattern in asked.files:
            found += await self._of_file(pattern)
        for command in asked.commands:
            found += await self._of_command(command)
        if asked.before:
            found += before_findings(asked.before[0], there=shutil.which(asked.before[0]) is not None)
        return found

    async def _of_file(self, pattern: str) -> Sequence[Finding]:
        trouble, newest, now = "", None, time.time()
        try:
            newest = await asyncio.to_thread(newest_file, pattern)
        except OSError as error:
            trouble = f"it cannot be looked at: {error.strerror}"
        found = file_findings(pattern, newest, now, self._asked.max_age, trouble)
        if newest is not None and not found:
            self._observer.happened(f"a backup: {newest.path}, {span(now - newest.modified)} old")
        return found

    async def _of_command(self, command: Sequence[str]) -> Sequence[Finding]:
        failure, said = "", list[str]()
        try:
            await self._ended(command, "--require-backup-command", self._asked.command_timeout, said=said)
        except errors.HookFailed as error:
            failure = error.message
        last = next((line for line in reversed(said) if line.strip()), "").strip()
        if not failure:
            self._observer.happened(f"a backup: {command[0]} says so{f': {last}' if last else ''}")
        return command_findings(failure, last)

    async def _ended(
        self,
        program: Sequence[str],
        flag: str,
        limit: float,
        *,
        aloud: bool = False,
        said: list[str] | None = None,
    ) -> None:
        begin = f"{Path(program[0]).name}: "

        def say(line: str) -> None:
            self._observer.happened(HookOutput(line) if aloud else line)
            if said is not None:
                said.append(line.removeprefix(begin))

        told = variables(
            on_server(facts_of(self._settings), self._settings, self._address), Progress(), Moment.VALIDATED
        )
        await run_program(program, f"{flag}: {program[0]}", told, b"", say, limit=limit)


def newest_file(pattern: str) -> BackupFile | None:
    """The newest file that holds something: `pattern` itself, or directly in the folder, or among those that it matches. Raises OSError.

    A file whose name begins with a dot is none: that is what copies under way are called.
    """
    newest: BackupFile | None = None
    for path in _candidates(Path(pattern).expanduser()):
        try:
            seen = path.stat()
        except FileNotFoundError:
            continue  # gone meanwhile, as old backups go
        if stat.S_ISREG(seen.st_mode) and seen.st_size and (newest is None or seen.st_mtime > newest.modified):
            newest = BackupFile(path, seen.st_mtime)
    return newest


def _candidates(path: Path) -> Iterator[Path]:
    if path.is_dir():
        with os.scandir(path) as entries:
            yield from (Path(entry.path) for entry in entries if not entry.name.startswith("."))
    elif path.exists() or not glob.has_magic(str(path)):
        yield path
    else:
        yield from map(Path, glob.iglob(str(path), recursive=True))
