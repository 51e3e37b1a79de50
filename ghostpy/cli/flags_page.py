"""The page `docs/flags.md`, made from the table of flags.

python -m ghostpy.cli.flags_page > docs/flags.md
"""

from __future__ import annotations

from ghostpy.cli.help_text import flag_reference

_HEAD = """\
# Flags of `ghostpy migrate`

Made from the table of flags by `python -m ghostpy.cli.flags_page`; do not edit this page.

gh-ost's flags have gh-ost's names, kinds and defaults. Spelling is gh-ost's as well: `-flag` or `--flag`, `--flag=value` or
`--flag value`, `--switch` or `--switch=false`, and the last one wins. Each flag can come from the environment: `--max-backlog` as
`GHOSTPY_MAX_BACKLOG`, and from [the configuration file](configuration.md): `max-backlog = 100000`. The command line wins over the environment,
and that over the files.

Under "Today", *works* is what it says. *Accepted, nothing to do* means that what the flag asks for is always so, or has no meaning here.
*Refused, not yet* and *refused* end the run with exit code 2 before anything is sent to the server, unless the value asks for nothing (as a
default does).

"""


def flags_page() -> str:
    """The whole page."""
    return _HEAD + flag_reference().rstrip() + "\n"


if __name__ == "__main__":
    print(flags_page(), end="")
