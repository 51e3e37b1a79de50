"""The program `ghostpy`: find the command, run it, turn an error into a message and an exit code."""

from __future__ import annotations

import difflib
import gc
import importlib
import os
import sys
from collections.abc import Sequence
from types import ModuleType

from ghostpy.cli.commands import NAMES as COMMAND_NAMES
from ghostpy.cli.failure import exit_code, failure_text
from ghostpy.cli.help_text import OVERVIEW
from ghostpy.cli.process_list import hide_secrets, keep_memory_private
from ghostpy.cli.version import version_text
from ghostpy.errors import UsageError

_HELP = ("help", "-h", "-help", "--help")
_VERSION = ("-version", "--version")
_TRACE = ("debug", "stack")
_SIGPIPE = 141
"""As shells report it."""


def entry_point() -> None:
    """The console script."""
    arguments = sys.argv[1:]
    hide_secrets(arguments)
    keep_memory_private()
    code = main(arguments)
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _reader_gone()  # What was asked for is done all the same: the code stays.
    # Else Python would look through all that is there for cycles, a tenth of a second, before it gives all of it back at once.
    gc.freeze()
    sys.exit(code)


def main(argv: Sequence[str]) -> int:
    """Run the command that `argv` names; return the exit code."""
    try:
        return _dispatch(argv)
    except BrokenPipeError:
        return _reader_gone()
    except (Exception, KeyboardInterrupt) as error:
        print(failure_text(error, trace=_wants_trace(argv)), file=sys.stderr)
        return exit_code(error)


def _dispatch(argv: Sequence[str]) -> int:
    if any("\0" in argument for argument in argv):
        raise UsageError("An argument holds a null character.", hint="See `ghostpy --help`.")
    if not argv:
        print(OVERVIEW, end="", file=sys.stderr)
        return UsageError.exit_code
    first, rest = argv[0], argv[1:]
    if first in _VERSION:
        print(version_text())
        return 0
    if first in _HELP:
        if rest and rest[0] in COMMAND_NAMES:
            return _run(rest[0], ["--help"])
        print(OVERVIEW, end="")
        return 0
    if first.startswith("-"):
        return _run("migrate", argv)
    if first not in COMMAND_NAMES:
        close = difflib.get_close_matches(first, COMMAND_NAMES, n=1)
        guess = f" Did you mean {close[0]}?" if close else ""
        raise UsageError(f"There is no command {first!r}.{guess}", hint="See `ghostpy --help`.")
    return _run(first, rest)


def _run(command: str, argv: Sequence[str]) -> int:
    name = f"ghostpy.cli.{command}"
    try:
        # Only now, so that one command does not wait for what another needs.
        module = _imported(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise UsageError(
            f"`ghostpy {command}` is not available in this version.", hint="See `ghostpy --help`."
        ) from None
    code = module.run(argv)
    return code if isinstance(code, int) else 0


def _imported(name: str) -> ModuleType:
    """The module, which stays until the end, as do those it needs: there is nothing to collect in between, nor to look through later."""
    gc.disable()
    try:
        return importlib.import_module(name)
    finally:
        gc.freeze()
        gc.enable()


def _reader_gone() -> int:
    """Who read our stdout went away, as `head` does: what is still held must not fail again when Python ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return _SIGPIPE


def _wants_trace(argv: Sequence[str]) -> bool:
    """Read by hand, since the flags themselves may be what is wrong."""
    given = {argument.lstrip("-") for argument in argv if argument.startswith("-")}
    if any(name in given or f"{name}=true" in given for name in _TRACE):
        return True
    return any(os.environ.get(f"GHOSTPY_{name.upper()}", "").lower() in ("1", "t", "true") for name in _TRACE)
