"""The help, made from the table of flags."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterable

from ghostpy.cli.commands import listed
from ghostpy.cli.dialect_flags import ELSEWHERE
from ghostpy.cli.flag import Flag, Group, Kind, Status
from ghostpy.cli.flag_table import FLAGS, GROUPS

OVERVIEW = f"""\
ghostpy changes tables while they are in use.

Usage:
{listed()}

  ghostpy migrate --help   all flags
  ghostpy --version        version
"""

_USAGE = """\
Usage: ghostpy migrate --alter "…" --database DB --table TABLE [flags]

Changes a table while it is in use. Without --execute everything is checked and the plan shown, but
nothing is changed.
"""

SPELLING = """\
Flags are spelled as in gh-ost: -flag or --flag, --flag=value or --flag value, --switch or --switch=false;
the last one wins. Each can come from the environment, too: --max-backlog as GHOSTPY_MAX_BACKLOG; and from
the configuration file: max-backlog = 100000. The command line wins over the environment, and that over the
files; `ghostpy config` shows where each value comes from. The password is taken from the first of:
--ask-pass, --password, --password-file, --url, GHOSTPY_PASSWORD, GHOSTPY_PASSWORD_FILE, GHOSTPY_URL,
--conf, the configuration file, MYSQL_PWD. On PostgreSQL libpq's own ways come last: PGPASSWORD, services, .pgpass.
"""

EXIT_CODES = """\
Exit codes: 0 done; 1 defect; 2 wrong usage; 3 plan refused; 4 no connection; 5 missing privilege; 6
source changed by others; 7 data does not fit; 8 verification failed; 9 no cut-over; 10 server refused; 11
change stream lost; 12 critical load; 13 panic; 14 stopped, to go on later; 15 aborted; 16 hook failed; 17
cannot go on with an earlier run; 18 batch incomplete; 19 tables differ; 20 a person must look; 21 schema differs; 75 already running; 130 and 143 interrupted.
"""

_TODAY = {
    Status.WORKS: "works",
    Status.NO_OP: "accepted, nothing to do",
    Status.LATER: "refused, not yet",
    Status.REFUSED: "refused",
}


def migrate_help(width: int | None = None) -> str:
    """All flags, under their headings; those that do nothing or are refused by name only."""
    width = width or min(shutil.get_terminal_size().columns, 110)
    parts = [_wrapped(_USAGE, width)]
    for group in GROUPS:
        parts.extend(_group(group, width))
    parts.append(_names("Accepted for gh-ost's sake, with nothing to do", Status.NO_OP, width))
    parts.append(_names("Not available in this version, and refused", Status.LATER, width))
    parts.append(_names("Not supported, unless they ask for what is done anyway", Status.REFUSED, width))
    parts.append(_wrapped(SPELLING, width))
    parts.append(_wrapped(EXIT_CODES, width))
    return "\n".join(parts)


def flag_reference() -> str:
    """All flags in Markdown, a table a group."""
    lines: list[str] = []
    for group in GROUPS:
        lines += [f"## {group.title}", "", "| Flag | Default | Today | Meaning |", "|---|---|---|---|"]
        lines += [f"| {' | '.join(_markdown(cell) for cell in _row(flag))} |" for flag in group.flags]
        lines.append("")
    return "\n".join([*lines, *_elsewhere()])


def _elsewhere() -> Iterable[str]:
    yield from ("## Otherwise on PostgreSQL", "", "| Flag | Today |", "|---|---|")
    for name, (status, reason) in ELSEWHERE["postgres"].items():
        yield f"| `--{name}` | {_markdown(f'{_TODAY[status]}: {reason}')} |"
    yield ""


def _row(flag: Flag) -> tuple[str, str, str, str]:
    today = _TODAY[flag.status] + (f": {flag.reason}" if flag.reason else "")
    default = _default(flag)
    meaning = " ".join([flag.meaning, *_bounds(flag), *(["Not one of gh-ost's."] if flag.ours else [])])
    return f"`{flag.spelled}`", f"`{default}`" if default else "", today, meaning


def _bounds(flag: Flag) -> Iterable[str]:
    if flag.low is not None and flag.high is not None:
        yield f"Between {flag.low:,} and {flag.high:,}; what is beyond is taken as the bound."
    elif flag.low is not None:
        yield f"At least {flag.low:,}; what is less is taken as that."


def _markdown(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def _group(group: Group, width: int) -> Iterable[str]:
    flags = [flag for flag in group.flags if flag.status is Status.WORKS]
    if flags:
        yield f"{group.title}:"
        for flag in flags:
            yield from _flag(flag, width)
        yield ""


def _flag(flag: Flag, width: int) -> Iterable[str]:
    kind = f" <{'|'.join(flag.choices) or flag.kind.value}>" if flag.kind is not Kind.SWITCH else ""
    default = _default(flag)
    meaning = f"{flag.meaning} [{default}]" if default else flag.meaning
    yield f"  {flag.spelled}{kind}"
    yield textwrap.fill(meaning, width, initial_indent=" " * 8, subsequent_indent=" " * 8)


def _default(flag: Flag) -> str:
    if flag.default in (False, "", ()) and flag.kind in (Kind.SWITCH, Kind.TEXT, Kind.SEVERAL):
        return ""
    return str(flag.default).lower() if flag.kind is Kind.SWITCH else str(flag.default)


def _names(title: str, status: Status, width: int) -> str:
    names = "  ".join(flag.spelled for flag in FLAGS.values() if flag.status is status) or "(none)"
    body = textwrap.fill(
        names,
        width,
        initial_indent="  ",
        subsequent_indent="  ",
        break_on_hyphens=False,
        break_long_words=False,
    )
    return f"{title}:\n{body}\n"


def _wrapped(text: str, width: int) -> str:
    paragraphs = (textwrap.fill(" ".join(part.split()), width, break_on_hyphens=False) for part in text.split("\n\n"))
    return "\n\n".join(paragraphs) + "\n"
