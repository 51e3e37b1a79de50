"""A plan as a page: all of it is there, whatever names and texts hold; nothing is fetched or run."""

from __future__ import annotations

from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from ghostpy.cli.plan_document import plan_document, refusal_document
from ghostpy.cli.plan_page import plan_page
from ghostpy.cli.plan_text import plan_rows, plan_text
from ghostpy.errors import PlanRefused
from ghostpy.model.column_map import ColumnFeed, ColumnMap, CopyKey
from ghostpy.model.estimate import AT_ONCE, Estimate
from ghostpy.model.finding import Finding, Severity
from ghostpy.model.names import TableName, helper_names
from ghostpy.model.plan import Plan, Strategy
from ghostpy.model.table import Column, Table
from ghostpy.settings import ConnectSettings, MigrateSettings, TargetSettings

_TAGS = {
    *("html", "head", "meta", "link", "title", "style", "body", "main", "header", "section", "p", "h1", "h2", "pre", "code"),
    *("dl", "div", "dt", "dd", "small", "table", "tr", "th", "td", "ol", "li"),
}  # fmt: skip
_NASTY = st.one_of(
    st.text(min_size=1, max_size=12),
    st.sampled_from(["<script>alert(1)</script>", "</style><img src=x onerror=y>", "a & b", '" onload="x', "]]>", "<!--"]),
)  # fmt: skip


class _Read(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def _read(page: str) -> _Read:
    reader = _Read()
    reader.feed(page)
    reader.close()
    assert reader.tags <= _TAGS
    names = {name for name, _ in reader.attributes}
    assert not {name for name in names if name.startswith("on") or name in ("src", "style", "action")}
    assert [value for name, value in reader.attributes if name == "href"] == ["data:,"]
    assert "url(" not in page.partition("</style>")[0]
    assert "@import" not in page.partition("</style>")[0]
    return reader


def _plan(name: str, text: str, strategy: Strategy = Strategy.SHADOW) -> Plan:
    source = Table(TableName("shop", name), "BASE TABLE", "InnoDB", (), (), row_estimate=10**6, data_bytes=10**8)
    key = Column("id", 1, "int", "int", False)
    other = Column(name, 2, "int", "int", True, default=text)
    return Plan(
        source=source,
        shadow=replace(source, name=TableName("shop", f"_{name}_gho")),
        names=helper_names(source.name, limit=64),
        alter=f"ADD COLUMN c TEXT COMMENT '{text}'",
        strategy=strategy,
        copy_key=CopyKey("PRIMARY", "PRIMARY", (key,), (key,)),
        columns=ColumnMap((ColumnFeed(key, key), ColumnFeed(other, None, text)), (other,), (other,)),
        where=None,
        findings=(Finding("drops-column", text, text, Severity.WARN),),
        reason=text,
        estimate=Estimate(62.0, {"copy": 40.0, "indexes": 20.0}, 10**8, 10**9, 5000, 1.0),
    )


def _settings(dialect: str, **target: Any) -> MigrateSettings:
    connect = replace(ConnectSettings(), dialect=dialect)
    return MigrateSettings(connect=connect, target=TargetSettings(**target))


def _page(plan: Plan, settings: MigrateSettings) -> str:
    return plan_page(plan_document(plan, settings), plan_rows(plan, settings))


def _clean(text: str) -> str:
    """As much of it as a page can hold, however blanks are counted."""
    return "".join(each for each in text if each.isalnum())


@given(name=_NASTY, text=_NASTY)
def test_names_and_texts_stay_texts(name: str, text: str) -> None:
    for dialect in ("mysql", "postgres"):
        plan, settings = _plan(name, text), _settings(dialect)
        shown = _clean("".join(_read(_page(plan, settings)).text))
        assert _clean(name) in shown
        assert _clean(text) in shown
        refused = PlanRefused(text, findings=plan.findings)
        refusal: Mapping[str, Any] = refusal_document(refused, name, settings)
        assert _clean(text) in _clean("".join(_read(plan_page(refusal)).text))


def test_all_of_a_plan_is_there() -> None:
    for dialect in ("mysql", "postgres"):
        text = " ".join(_read(_page(_plan("t", "because"), _settings(dialect))).text)
        for part in ("Steps", "Columns", "Other ways", "Way back", "Before", "Afterwards", "Findings", "drops-column"):
            assert part in text
        for part in ("1,000,000", "100.0 MB", "5,000 rows", "every write made since the exchange", "SELECT count(*)"):
            assert part in text


def test_what_the_servers_own_way_would_take() -> None:
    """Of the way that is taken, and of one that is not; in text as well."""
    measured = Estimate(62.0, {"building the index": 61.0}, 3 * 10**8, 4 * 10**8, 5000, 1.0, temporary_bytes=2 * 10**8)
    taken = replace(_plan("t", "because", Strategy.STAGED), estimate=measured)
    beside = replace(_plan("t", "because"), native=measured)
    for dialect in ("mysql", "postgres"):
        settings = _settings(dialect)
        for told in (" ".join(_read(_page(taken, settings)).text), plan_text(taken, settings, 1000)):
            for part in ("1m2s", "building the index 1m1s", "300.0 MB", "200.0 MB of it to sort in", "400.0 MB"):
                assert part in told
        for told in (" ".join(_read(_page(beside, settings)).text), plan_text(beside, settings, 1000)):
            assert "About 1m2s, 300.0 MB of disk, 400.0 MB of log, by the same kind of sample" in told


def test_a_change_at_once() -> None:
    plan = replace(_plan("t", "because", Strategy.INSTANT), alter="DROP COLUMN x", estimate=AT_ONCE)
    for dialect in ("mysql", "postgres"):
        text = " ".join(_read(_page(plan, _settings(dialect))).text)
        assert "at once" in text
        assert "its values: they are gone once it is dropped" in text


def test_an_old_table_that_is_dropped_is_no_way_back() -> None:
    text = " ".join(_read(_page(_plan("t", "because"), _settings("mysql", ok_to_drop_old=True))).text)
    assert "from a backup only" in text
    assert "RENAME TABLE" not in text
