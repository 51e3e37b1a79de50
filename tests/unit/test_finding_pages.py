"""docs/findings.md has a section for each code that the source can give, and for no other; with the severities that it has."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ghostpy.dialects.postgres.dependants.strangers import _CODES
from ghostpy.planning.postgres_alter import _NOT_BY_SHADOW

_ROOT = Path(__file__).parents[2]
_PAGE = (_ROOT / "docs" / "findings.md").read_text()
# Codes that are not written where the finding is made, by the expression that stands there.
_COMPUTED = {
    ("strangers.py", "f'dependant-{code}'"): {f"dependant-{code}" for code in (*_CODES.values(), "object")},
    ("postgres_alter.py", "code"): {code for code, _ in _NOT_BY_SHADOW.values()},
    # Of a Look; and the body of `_unfit`, whose calls are looked at.
    ("misfits.py", "self.code"): set(),
    ("misfits.py", "code"): set(),
    ("turning.py", "code"): set(),  # the body of `_warning`, whose calls are looked at
}


def _made() -> Iterator[tuple[str, str]]:
    """Code and severity of each finding that is made somewhere in the source."""
    for path in sorted((_ROOT / "ghostpy").rglob("*.py")):
        for each in ast.walk(ast.parse(path.read_text())):
            if not (isinstance(each, ast.Call) and isinstance(each.func, ast.Name)):
                continue
            if each.func.id not in ("Finding", "Look", "_unfit", "_warning") or (
                each.func.id == "_warning" and len(each.args) != 2
            ):
                continue
            warns = each.func.id == "_warning" or "Severity.WARN" in ast.unparse(each)
            code = each.args[0]
            codes = {str(code.value)} if isinstance(code, ast.Constant) else _COMPUTED[path.name, ast.unparse(code)]
            for found in codes:
                yield found, "warn" if warns else "refuse"


def _sections() -> dict[str, str]:
    pieces = re.split(r"^### (.+)\n", _PAGE, flags=re.MULTILINE)[1:]
    assert len(set(pieces[::2])) == len(pieces) // 2, "a code has two sections"
    return dict(zip(pieces[::2], pieces[1::2], strict=True))


def test_each_code_has_its_section_and_the_other_way_round() -> None:
    assert sorted(_sections()) == sorted({code for code, _ in _made()})


def test_severities_are_those_of_the_source() -> None:
    made: dict[str, set[str]] = {}
    for code, severity in _made():
        made.setdefault(code, set()).add(severity)
    told = {
        code: set(re.match(r"\*(.+?)\* · ", text)[1].split(" or "))  # type: ignore[index]
        for code, text in _sections().items()
    }
    assert told == made


@pytest.mark.parametrize(("code", "text"), _sections().items(), ids=_sections())
def test_a_section_says_what_why_and_what_to_do(code: str, text: str) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", code)
    labels = re.findall(r"^- \*\*(\w+):\*\* \S", text, re.MULTILINE)
    assert labels == ["Means", "Matters", "Do"]
