"""The flags that ask for proof of a backup, and for a command before the change, read."""

from __future__ import annotations

import shlex

from ghostpy.cli.flags import FlagValues
from ghostpy.errors import UsageError
from ghostpy.settings import BackupSettings
from ghostpy.throttle import deadlines


def backup_settings(values: FlagValues) -> BackupSettings:
    """Raises UsageError where one cannot be read, naming the flag."""
    age = deadlines.seconds_of(values.text("backup-max-age").strip())
    if not age:
        raise UsageError(
            f"--backup-max-age must be a duration above nothing, not {values.text('backup-max-age')!r}.",
            hint="For example 24h, 90m or 2d.",
        )
    if any(not path.strip() for path in values.several("require-backup-file")):
        # A variable that is not set, mostly: nothing would be asked for then.
        raise UsageError("--require-backup-file is empty.", hint="Name a file, a folder or a pattern, or leave it out.")
    return BackupSettings(
        files=values.several("require-backup-file"),
        max_age=age,
        commands=tuple(_words(each, "--require-backup-command") for each in values.several("require-backup-command")),
        command_timeout=values.fraction("backup-command-timeout"),
        before=_words(values.text("before"), "--before") if values.text("before").strip() else (),
        before_timeout=values.fraction("before-timeout"),
    )


def _words(text: str, flag: str) -> tuple[str, ...]:
    """A command in its words, as a shell parts them; nothing in them is expanded."""
    try:
        words = tuple(shlex.split(text))
    except ValueError as error:
        raise UsageError(f"{flag} cannot be parted into words: {str(error).lower()}.") from error
    if not words or not words[0]:
        raise UsageError(f"{flag} is empty.", hint="Name a command, or leave it out.")
    return words
