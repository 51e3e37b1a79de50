"""What there is to complete: commands, their flags, the flags' values."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from msgspec import Struct

from ghostpy.cli.commands import Command
from ghostpy.cli.flag import Flag, Kind, Status
from ghostpy.cli.flag_table import CONNECTION, FLAGS

_FILES = ("config", "conf", "ssl-ca", "ssl-cert", "ssl-key")
_FOLDERS = ("hooks-path", "log-dir")
_OWN_SWITCHES = ("json", "stop-on-failure")
_OWN_CHOICES = {"dialect": ("mysql", "postgres")}


class Takes(Enum):
    """What stands behind a flag."""

    NOTHING = "nothing"
    CHOICE = "choice"
    FILE = "file"
    FOLDER = "folder"
    TEXT = "text"


class Completed(Struct, frozen=True):
    """One flag as completion shows it."""

    name: str
    meaning: str
    takes: Takes
    choices: tuple[str, ...] = ()


def flags_of(command: Command) -> Sequence[Completed]:
    """The flags that a command takes; those that are refused, or have nothing to do, are not proposed."""
    shared = FLAGS.values() if command.flags else CONNECTION if command.connects else ()
    found = {flag.name: _of_table(flag) for flag in shared if flag.status is Status.WORKS}
    for name in command.own:
        found[name] = _of_table(FLAGS[name]) if name in FLAGS else _own(name)
    found["help"] = Completed("help", "Show how it is used.", Takes.NOTHING)
    return tuple(found.values())


def _of_table(flag: Flag) -> Completed:
    meaning = flag.meaning.split(". ")[0].rstrip(".")
    if flag.kind is Kind.SWITCH:
        return Completed(flag.name, meaning, Takes.NOTHING)
    if flag.choices:
        return Completed(flag.name, meaning, Takes.CHOICE, flag.choices)
    return Completed(flag.name, meaning, _place(flag.name))


def _own(name: str) -> Completed:
    if name in _OWN_SWITCHES:
        return Completed(name, "", Takes.NOTHING)
    choices = _OWN_CHOICES.get(name, ())
    return Completed(name, "", Takes.CHOICE if choices else _place(name), choices)


def _place(name: str) -> Takes:
    if name in _FOLDERS:
        return Takes.FOLDER
    return Takes.FILE if name in _FILES or name.endswith(("-file", "-textfile")) else Takes.TEXT
