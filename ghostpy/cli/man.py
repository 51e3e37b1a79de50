"""`ghostpy man`: the manual page, made from the tables of commands and flags."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import ghostpy
from ghostpy.cli.commands import COMMANDS
from ghostpy.cli.flag import Flag, Kind, Status
from ghostpy.cli.flag_table import FLAGS, GROUPS
from ghostpy.cli.help_text import EXIT_CODES, SPELLING

_USAGE = """\
Usage: ghostpy man

Prints the manual page. To read it: ghostpy man | man -l -
"""
_BESIDE = (
    ("Accepted for gh-ost's sake, with nothing to do", Status.NO_OP),
    ("Not available in this version, and refused", Status.LATER),
    ("Not supported, unless they ask for what is done anyway", Status.REFUSED),
)


def run(argv: Sequence[str]) -> int:
    """Carry out one call; the exit code."""
    print(_USAGE if argv else man_page(), end="")
    return 0


def man_page() -> str:
    """The page as roff, with the macros of man(7)."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield f'.TH GHOSTPY 1 "" "ghostpy {_roff(ghostpy.__version__)}" "User Commands"'
    yield from (".SH NAME", _roff("ghostpy - change tables while they are in use"), ".SH SYNOPSIS", ".nf")
    for command in COMMANDS:
        yield _roff(f"ghostpy {command.name} {command.arguments}".rstrip())
    yield from (".fi", ".SH DESCRIPTION")
    yield _roff(
        "Changes tables of MySQL, MariaDB and PostgreSQL while they are in use: no triggers, nothing lost, a short lock. "
        "Without --execute everything is checked and the plan shown, but nothing is changed."
    )
    yield ".SH COMMANDS"
    for command in COMMANDS:
        yield from (".TP", f".B {_roff(f'{command.name} {command.arguments}'.rstrip())}", _roff(f"{command.meaning}."))
    yield ".SH FLAGS"
    yield _roff(SPELLING)
    for group in GROUPS:
        works = [flag for flag in group.flags if flag.status is Status.WORKS]
        if works:
            yield f'.SS "{_roff(group.title)}"'
            for flag in works:
                yield from _flag(flag)
    for title, status in _BESIDE:
        names = ", ".join(flag.spelled for flag in FLAGS.values() if flag.status is status)
        if names:
            yield from (f'.SS "{_roff(title)}"', _roff(f"{names}."))
    yield from (".SH EXIT STATUS", _roff(EXIT_CODES.removeprefix("Exit codes: ")))
    yield ".SH FILES"
    for path, what in (
        ("ghostpy.toml", "Configuration, of the working directory."),
        ("~/.config/ghostpy/ghostpy.toml", "The same, of the user; read where the other is not there."),
    ):
        yield from (".TP", f".I {_roff(path)}", _roff(what))


def _flag(flag: Flag) -> Iterator[str]:
    kind = f" <{'|'.join(flag.choices) or flag.kind.value}>" if flag.kind is not Kind.SWITCH else ""
    default = "" if flag.default in (False, "", ()) else f" [{str(flag.default).lower()}]"
    yield from (".TP", f".B {_roff(flag.spelled + kind)}", _roff(f"{flag.meaning}{default}"))


def _roff(text: str) -> str:
    """`text` in one line, with nothing in it that roff takes for its own."""
    line = " ".join(text.split()).replace("\\", "\\e").replace("-", "\\-").replace('"', "\\(dq")
    line = "".join(each if each.isascii() else f"\\[u{ord(each):04X}]" for each in line)
    return f"\\&{line}" if line.startswith((".", "'")) else line
