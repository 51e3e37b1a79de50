"""`ghostpy completion`: what completes calls of the program in a shell."""

from __future__ import annotations

from collections.abc import Sequence

from ghostpy.cli.completion_scripts import SHELLS
from ghostpy.errors import UsageError

_USAGE = """\
Usage: ghostpy completion bash|zsh|fish

Prints a script by which the shell completes commands, flags and their values.

  bash   source <(ghostpy completion bash)              in ~/.bashrc
  zsh    source <(ghostpy completion zsh)               in ~/.zshrc, behind compinit
  fish   ghostpy completion fish | source               in ~/.config/fish/config.fish
"""


def run(argv: Sequence[str]) -> int:
    """Carry out one call; the exit code. Raises UsageError for a shell that is not known."""
    if any(each in ("--help", "-help", "-h") for each in argv):
        print(_USAGE, end="")
        return 0
    if len(argv) != 1 or argv[0] not in SHELLS:
        raise UsageError(f"The shell must be one of {', '.join(SHELLS)}.", hint="See `ghostpy completion --help`.")
    print(SHELLS[argv[0]](), end="")
    return 0
