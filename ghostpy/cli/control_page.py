"""The table of commands in the page `docs/control.md`.

python -m ghostpy.cli.control_page docs/control.md
"""

from __future__ import annotations

import sys
from pathlib import Path

from ghostpy.control.commands import COMMANDS

_BEGIN, _END = "<!-- commands -->", "<!-- end of commands -->"


def with_table(page: str) -> str:
    """`page` with the table as it is now."""
    before, rest = page.split(_BEGIN)
    _, after = rest.split(_END)
    return f"{before}{_BEGIN}\n{_table()}\n{_END}{after}"


def _table() -> str:
    lines = ["| Command | Argument | What it does |", "|---|---|---|"]
    for command in COMMANDS:
        names = ", ".join(f"`{name}`" for name in (command.name, *command.aliases))
        argument = f"`{command.argument}`" if command.argument else ""
        ours = " Not one of gh-ost's." if command.ours else ""
        lines.append(f"| {names} | {argument} | {command.meaning}.{ours} |".replace("`<", "`").replace(">`", "`"))
    return "\n".join(lines)


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(with_table(path.read_text()))
