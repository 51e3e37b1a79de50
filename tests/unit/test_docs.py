"""The pages say what the code says: flags and exit codes are read off it, and links lead somewhere."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

import ghostpy
from ghostpy import errors
from ghostpy.cli.batch_plan import read_plan
from ghostpy.cli.flags import read_flags
from ghostpy.cli.flags_page import flags_page
from ghostpy.dialects.mysql.privileges import ON_SERVER, ON_TABLES

_ROOT = Path(__file__).parents[2]
_PAGES = [*sorted(_ROOT.glob("*.md")), *sorted(_ROOT.glob("docs/*.md")), *sorted(_ROOT.glob("*/README.md"))]
_LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


def test_the_page_of_flags_is_up_to_date() -> None:
    told = "python -m ghostpy.cli.flags_page > docs/flags.md"
    assert (_ROOT / "docs" / "flags.md").read_text() == flags_page(), f"make it anew: {told}"


def _classes(base: type[errors.GhostpyError]) -> list[type[errors.GhostpyError]]:
    return [base, *(each for child in base.__subclasses__() for each in _classes(child))]


@pytest.mark.parametrize("page", ["README.md", "docs/exit-codes.md"])
def test_every_exit_code_is_in_the_tables(page: str) -> None:
    named = set(re.findall(r"^\| (\d+) \|", (_ROOT / page).read_text(), re.MULTILINE))
    ours = (each for each in _classes(errors.GhostpyError) if each.__module__ == errors.__name__)
    codes = {str(each.exit_code) for each in ours if each is not errors.Interrupted}
    assert named == codes | {"0", "130", "143"}


def test_the_readme_grants_what_is_needed() -> None:
    text = (_ROOT / "README.md").read_text()
    assert f"GRANT {', '.join(ON_SERVER)} ON *.* " in text
    granted = re.search(r"GRANT ([A-Z, ]+) ON shop\.\* ", text)
    assert granted
    assert set(ON_TABLES) <= set(granted[1].split(", "))


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: str(page.relative_to(_ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in _LINK.findall(page.read_text()):
        assert (page.parent / target).exists(), target


def _blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", (_ROOT / "docs" / page).read_text(), re.MULTILINE | re.DOTALL)


def test_the_samples_for_cron_are_understood(tmp_path: Path) -> None:
    config, plan = _blocks("cron.md", "toml")
    (tmp_path / "plan.toml").write_text(plan)
    assert [entry.name for entry in read_plan(str(tmp_path / "plan.toml")).entries] == ["orders", "lines", "events"]
    (tmp_path / "orders.toml").write_text(config)
    [crontab] = _blocks("cron.md", "crontab")
    [line] = [each for each in crontab.splitlines() if "ghostpy " in each]
    assert "%" not in line
    words = shlex.split(line.replace("/etc/ghostpy/", f"{tmp_path}/"))
    values = read_flags(words[words.index("migrate") + 1 :], {})
    assert values.text("table") == "orders"
    assert values.switch("quiet")
    assert values.switch("execute")


def test_every_public_name_is_on_the_page_of_the_library() -> None:
    named = set(re.findall(r"`([A-Za-z_]+)", (_ROOT / "docs" / "library.md").read_text()))
    assert set(ghostpy.__all__) <= named
    for name in ("Plan", "Result"):
        fields = getattr(ghostpy, name).__dataclass_fields__
        assert set(fields) <= named, name


def test_every_page_is_in_the_index() -> None:
    index = _LINK.findall((_ROOT / "docs" / "README.md").read_text())
    pages = {page.name for page in _ROOT.glob("docs/*.md")} - {"README.md"}
    assert sorted(set(index) - {"../README.md"}) == sorted(pages)
    assert "docs/README.md" in _LINK.findall((_ROOT / "README.md").read_text())
