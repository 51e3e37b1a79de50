"""Is there a backup to go back to, where proof of one is asked for?"""

from __future__ import annotations

from ghostpy.model.backup import BackupFile, span
from ghostpy.model.finding import Finding

_SKEW = 300.0
"""Seconds that the clocks of two machines may be apart: a file on a share has the time of another."""
_OTHERWISE = "Make a backup first, or leave the demand for one out where you know better."


def file_findings(asked: str, found: BackupFile | None, now: float, max_age: float, trouble: str = "") -> list[Finding]:
    """`asked`: as the user wrote it; `found`: the newest file there; `trouble`: why nothing could be seen. Times in seconds."""
    if found is None:
        what = trouble or "there is no file, or none that holds anything"
        return [Finding("backup-missing", f"--require-backup-file {asked}: {what}", _OTHERWISE)]
    age = now - found.modified
    if age < -_SKEW:
        return [
            Finding(
                "backup-dated-ahead",
                f"--require-backup-file {asked}: {found.path} is dated {span(-age)} ahead of this machine's clock, which proves nothing",
                "Set the clocks right, or the file's time.",
            )
        ]
    if age > max_age:
        return [
            Finding(
                "backup-too-old",
                f"--require-backup-file {asked}: the newest file, {found.path}, is {span(age)} old, and at most {span(max_age)} are allowed",
                _OTHERWISE,
            )
        ]
    return []


def command_findings(failure: str, last_line: str) -> list[Finding]:
    """`failure`: how the command ended that was to confirm a backup, in words; nothing where it did."""
    if not failure:
        return []
    said = f"; it said: {last_line}" if last_line else ""
    return [Finding("backup-not-confirmed", f"{failure}{said}", _OTHERWISE)]


def before_findings(program: str, *, there: bool) -> list[Finding]:
    """`there`: whether the program of --before can be run on this machine."""
    if there:
        return []
    text = f"--before: there is no program {program} that can be run on this machine"
    return [Finding("before-no-program", text, "Check its path and its permissions.")]
