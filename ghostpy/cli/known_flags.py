"""Commands that take some of migrate's flags, and refuse the others."""

from __future__ import annotations

from collections.abc import Iterable

from ghostpy.cli.flag_table import CONNECTION
from ghostpy.cli.flags import FlagValues, Origin, check_flags
from ghostpy.errors import UsageError

_EVERYWHERE = ("help", "debug", "stack", "verbose", "quiet", "config", "profile")


def check_known(values: FlagValues, others: Iterable[str], command: str) -> None:
    """Raise UsageError at a flag on the command line that is neither about the connection nor one of `others`.

    What stands in the environment or a file is meant for runs, and left alone. Otherwise as `check_flags`.
    """
    known = {flag.name for flag in CONNECTION} | set(others) | set(_EVERYWHERE)
    wrong = [name for name in values.names() if name not in known and values.origin(name) is Origin.COMMAND_LINE]
    if wrong:
        mean = "means" if len(wrong) == 1 else "mean"
        raise UsageError(
            f"{', '.join(f'--{name}' for name in wrong)} {mean} nothing to {command}.",
            hint=f"See `ghostpy {command} --help`.",
        )
    check_flags(values)
