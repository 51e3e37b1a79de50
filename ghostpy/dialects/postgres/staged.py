"""Carries out the steps of a change in place, and undoes them where one of them fails."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ghostpy.dialects.postgres.steps import Step
from ghostpy.model.names import TableName
from ghostpy.settings import ConnectSettings


async def carry_out(
    settings: ConnectSettings,
    source: TableName,
    steps: Sequence[Step],
    *,
    lock_timeout: float,
    attempts: int,
    happened: Callable[[str], None],
) -> None:
    """Do the steps in order, on a session of our own.

    A quick step waits at most `lock_timeout` seconds for its locks, and is tried `attempts` times, with pauses in between.
    Raises LockTimeout, DuplicateRows or DataDoesNotFit where the rows stand against it, or what the server raises; then the steps
    that were done are undone, and the error says what is left. CutOverInDoubt where nobody can say whether a step was done.
    """
    raise NotImplementedError
