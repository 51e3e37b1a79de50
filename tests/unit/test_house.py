"""The house keeps its shape: imports point down, each third-party package has one home, no file outgrows its idea unseen."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import ghostpy

_ROOT = Path(ghostpy.__file__).parent
_FILES = sorted(_ROOT.rglob("*.py"))

_FLOORS = [
    {"integrations"},
    {"api"},
    {"cli"},
    {"sandbox"},
    {"assembly"},
    {"control"},
    {"dialects", "observe"},
    {"engine"},
    {"planning", "preflight", "throttle"},
    {"protocols"},
    {"model"},
    {"settings", "errors"},
]
"""From the top down. A room may import from its own floor's own room and from any floor below."""

_MAY_ALSO = {
    # The dialects plan with the pure parts but are not asked by the engine for more than the protocols promise.
    ("preflight", "planning"),
}

_HOMES = {
    "pymysql": {"dialects/mysql", "sandbox"},
    "pymysqlreplication": {"dialects/mysql"},
    "zstandard": {"dialects/mysql"},
    "psycopg": {"dialects/postgres", "sandbox"},
    "sqlglot": {"planning"},
    "prometheus_client": {"observe"},
    "uvloop": {"cli"},
    "rich": {"cli", "observe"},
    "alembic": {"integrations/alembic.py"},
    "sqlalchemy": {"integrations/alembic.py"},
    "django": {"integrations/django.py"},
}

_READ_BY_THE_API = {
    "config_file",
    "flag",
    "flag_table",
    "flags",
    "guess",
    "invocation",
    "plan_document",
    "plan_steps",
    "redaction",
}
"""What the command and the library have in common stands in `cli`: the reading of settings, and a plan as data."""


def _room(path: Path) -> str:
    return path.relative_to(_ROOT).parts[0].removesuffix(".py")


def _imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found.add(node.module or "")
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def _floor(room: str) -> int:
    return next(number for number, rooms in enumerate(_FLOORS) if room in rooms)


@pytest.mark.parametrize("path", _FILES, ids=lambda path: str(path.relative_to(_ROOT)))
def test_imports_point_down(path: Path) -> None:
    room = _room(path)
    if room in ("__init__", "__main__"):
        return
    for name in _imports(path):
        parts = name.split(".")
        if parts[0] != "ghostpy" or len(parts) < 2 or parts[1].startswith("__"):
            continue
        other = parts[1]
        if other == room or (room, other) in _MAY_ALSO:
            continue
        assert _floor(other) > _floor(room), f"{path.relative_to(_ROOT)} imports {name}"


@pytest.mark.parametrize("path", _FILES, ids=lambda path: str(path.relative_to(_ROOT)))
def test_third_party_packages_have_one_home(path: Path) -> None:
    place = path.relative_to(_ROOT).as_posix()
    for name in {name.split(".")[0] for name in _imports(path)} & set(_HOMES):
        assert any(place == home or place.startswith(home + "/") for home in _HOMES[name]), f"{place} imports {name}"


def test_the_dialects_do_not_know_each_other() -> None:
    for one, other in (("mysql", "postgres"), ("postgres", "mysql")):
        for path in (_ROOT / "dialects" / one).rglob("*.py"):
            assert not any(f"dialects.{other}" in name for name in _imports(path)), path


def test_the_engine_names_no_database() -> None:
    for path in (_ROOT / "engine").rglob("*.py"):
        text = path.read_text().lower()
        assert not any(word in text for word in ("mysql", "postgres", "mariadb")), path


def test_the_library_prints_nothing_and_ends_no_process() -> None:
    for room in ("api", "integrations"):
        for path in (_ROOT / room).rglob("*.py"):
            parts = [name.split(".") for name in _imports(path) if name.startswith("ghostpy.cli.")]
            assert {part[2] for part in parts} <= _READ_BY_THE_API, path
            assert not _imports(path) & {"sys", "signal", "rich"}, path
            called = {node.id for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Name)}
            assert not called & {"print", "exit", "quit"}, path


def test_the_story_fits_on_one_screen() -> None:
    assert len((_ROOT / "engine" / "migration.py").read_text().splitlines()) <= 100


def test_values_are_structs() -> None:
    """Python takes half a millisecond to make the class of a frozen dataclass, and a command begins with hundreds of them."""
    frozen = [
        f"{path.relative_to(_ROOT)}: {each.name}"
        for path in _FILES
        if path.relative_to(_ROOT).parts[0] != "api"  # what that returns is the caller's, who knows dataclasses
        for each in ast.walk(ast.parse(path.read_text()))
        if isinstance(each, ast.ClassDef) and any("frozen=True" in ast.unparse(by) for by in each.decorator_list)
    ]
    assert frozen == []
