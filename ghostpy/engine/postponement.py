"""Whether the cut-over is held back: until somebody says that it may come, or by a flag file, until that is removed or somebody says so."""

from __future__ import annotations

from pathlib import Path

from ghostpy.errors import UsageError


class Postponement:
    """`active` is set by the cut-over while it waits. `held`: it waits whether there is a file or not."""

    def __init__(self, flag_file: Path | None, *, held: bool = False) -> None:
        self.flag_file = flag_file
        self.held = held
        self.active = False
        self._released = False

    @property
    def wanted(self) -> bool:
        return not self._released and (self.held or (self.flag_file is not None and self.flag_file.exists()))

    @property
    def until(self) -> str:
        """What ends it, in words."""
        if self.held:
            return "until somebody says `unpostpone`"
        return f"while {self.flag_file} exists"

    def postpone(self, flag_file: Path) -> None:
        """Hold the cut-over back while `flag_file` exists; it is made where it is missing. Raises UsageError."""
        try:
            flag_file.touch(mode=0o755)
        except OSError as error:
            raise UsageError(f"the flag file {flag_file} cannot be created: {error.strerror}", hint="") from error
        self.flag_file = flag_file
        self._released = False

    def release(self) -> None:
        """Let the cut-over come, whether a file exists or not."""
        self._released = True
