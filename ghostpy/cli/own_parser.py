"""Flags of a command's own: beside those of migrate that it takes, or alone."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import NoReturn

from ghostpy.errors import UsageError

_NO_VALUE = ": expected one argument"


class OwnParser(argparse.ArgumentParser):
    """Knows only the flags that are added to it, and raises UsageError where they cannot be read."""

    def __init__(self, command: str) -> None:
        super().__init__(prog=f"ghostpy {command}", add_help=False, allow_abbrev=False)
        self._command = command
        self._hint = f"See `ghostpy {command} --help`."

    def alone(self, argv: Sequence[str]) -> argparse.Namespace:
        """For a command that takes none of migrate's flags: what is not known, or left over, is refused."""
        self.add_argument("--debug", action="store_true")  # looked at by `main`
        own, rest = self.parse_known_args(argv)
        if rest and rest[0].startswith("-"):
            raise UsageError(f"There is no flag {rest[0].partition('=')[0]} here.", hint=self._hint)
        if rest:
            raise UsageError(f"{rest[0]!r} means nothing to {self._command}.", hint=self._hint)
        return own

    def error(self, message: str) -> NoReturn:
        if message.startswith("argument -") and message.endswith(_NO_VALUE):
            message = f"{message.removeprefix('argument ').removesuffix(_NO_VALUE)} needs a value"
        raise UsageError(f"{message[0].upper()}{message[1:]}.", hint=self._hint)
