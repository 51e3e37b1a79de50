"""A plan as one page of HTML that needs nothing beside itself, to be attached to a ticket. Made of `plan_document`; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element

from ghostpy.observe.figures import duration, size, whole
from ghostpy.observe.page import page, table_of
from ghostpy.observe.report_nodes import node

Document = Mapping[str, Any]


def plan_page(document: Document, rows: Sequence[tuple[str, Sequence[str]]] = ()) -> str:
    """The page for a plan or a refusal. `rows`: of `plan_rows`, the steps in words."""
    sections = (_header(document), *of_plan(document, dict(rows))) if document["possible"] else (_header(document),)
    findings = findings_section(document["findings"])
    return page(f"Plan: {document['table']}", *sections, findings, footer(document))


def of_plan(document: Document, rows: Mapping[str, Sequence[str]]) -> Iterator[Element | None]:
    """The sections of a plan that can be carried out."""
    yield _figures(document)
    yield _section("Change", node("pre", document["alter"], class_="sql"), _why(document))
    yield _section("Steps", _numbered(rows.get("steps", ())), _tables(document))
    yield _columns(document["columns"])
    yield _section("Other ways, and their price", _others(document["alternatives"]))
    yield _way_back(document["way_back"])
    yield _section("Before", _checks(document["checks"]["before"]))
    yield _section("Afterwards", _checks(document["checks"]["after"]))


def _header(document: Document) -> Element:
    possible = document["possible"]
    return node(
        "header",
        node("p", document["strategy"] if possible else "not possible like this", class_=f"result {'changed' if possible else 'failed'}"),
        node("h1", f"Plan for {document['table']}"),
        node("p", f"on {document['server']} ({document['dialect']}). A dry run: nothing was changed.", class_="dim"),
        None if possible else node("pre", document["alter"], class_="sql"),
        None if possible else node("p", document["message"], class_="error", role="alert"),
    )  # fmt: skip


def _figures(document: Document) -> Element:
    cards = [
        node("div", node("dt", label), node("dd", value, node("small", more) if more else None))
        for label, value, more in _cards(document)
    ]
    return node("dl", cards, class_="figures")


def _cards(document: Document) -> Iterator[tuple[str, str, str]]:
    yield "rows", whole(document["rows"]), f"about {size(document['bytes'])}, by the server's estimate"
    estimate = document["estimate"]
    if estimate is None:
        return
    if estimate["seconds"] is None:
        yield "time", "not known", estimate["reason"]
    elif estimate["seconds"] == 0:
        yield "time", "at once", estimate["reason"]
    else:
        parts = ", ".join(f"{name} {duration(seconds)}" for name, seconds in estimate["parts"].items())
        yield "time, about", duration(estimate["seconds"]), parts
    if estimate["disk_bytes"]:
        free = document["disk_free"]
        sorting = estimate["temporary_bytes"]
        more = [f"{size(sorting)} of it to sort in"] if sorting else []
        more += [f"{size(free)} free"] if free is not None else []
        yield "disk needed, about", size(estimate["disk_bytes"]), ", ".join(more)
    if estimate["log_bytes"]:
        yield "log written, about", size(estimate["log_bytes"]), ""
    if estimate["sample_rows"]:
        took = f"copied in {duration(estimate['sample_seconds'])}; {estimate['assumes']}" + (
            f"; {estimate['reason']}" if estimate["reason"] else ""
        )
        yield "sample", f"{whole(estimate['sample_rows'])} rows", took


def _why(document: Document) -> Element | None:
    told = [("strategy", document["strategy"])]
    told += [("why", document["reason"])] if document["reason"] else []
    told += [("copy key", ", ".join(document["copy_key"]))] if document["copy_key"] else []
    return table_of(told)


def _tables(document: Document) -> Element | None:
    names = (("made", document["made"]), ("kept", document["kept"]))
    return table_of([(label, ", ".join(tables)) for label, tables in names if tables])


def _columns(columns: Document) -> Element | None:
    lines: list[tuple[str | None, ...]] = [
        (fed["from"] and fed["from"]["name"], fed["from"] and _typed(fed["from"]), fed["to"]["name"], _typed(fed["to"]), fed["transform"])
        for fed in columns["fed"]
    ]  # fmt: skip
    lines += [(None, None, column["name"], _typed(column), "new") for column in columns["added"]]
    lines += [(column["name"], _typed(column), None, None, "its values are not in the new table") for column in columns["dropped"]]  # fmt: skip
    return _section("Columns", _grid(("from", "type", "to", "type", ""), lines)) if lines else None


def _typed(column: Document) -> str:
    more = "" if column["nullable"] else " NOT NULL"
    return f"{column['type']}{more}" + (f", {column['collation']}" if column["collation"] else "")


def _way_back(ways: Sequence[Document]) -> Element | None:
    lines = [(way["step"], way["how"], way["loses"]) for way in ways]
    return _section("Way back", _grid(("step", "how", "what is lost"), lines)) if lines else None


def findings_section(findings: Sequence[Document]) -> Element | None:
    """What was found, or nothing."""
    lines = [
        node(
            "tr",
            node("td", finding["severity"], class_=f"severity {finding['severity']}"),
            node("td", node("code", finding["code"])),
            node("td", f"{finding['text']}. {finding['way_out']}".strip()),
        )
        for finding in sorted(findings, key=lambda each: str(each["severity"]))
    ]
    note = node("p", "Each code has a section in docs/findings.md.", class_="dim")
    return _section("Findings", node("div", node("table", lines), class_="wide"), note) if lines else None


def _checks(checks: Sequence[Document]) -> Element | None:
    lines = [node("tr", node("th", each["what"], scope="row"), node("td", node("code", each["run"]))) for each in checks]  # fmt: skip
    return node("table", lines) if lines else None


def _others(ways: Sequence[Document]) -> Element | None:
    return table_of([(str(way["strategy"]), str(way["price"]) + _measured(way["estimate"])) for way in ways])


def _measured(estimate: Document | None) -> str:
    """Of a way that is not taken, in short."""
    if estimate is None or estimate["seconds"] is None:
        return ""
    told = [duration(estimate["seconds"])]
    told += [f"{size(estimate[key])} of {what}" for key, what in (("disk_bytes", "disk"), ("log_bytes", "log")) if estimate[key] is not None]  # fmt: skip
    return f". About {', '.join(told)}, by the same kind of sample"


def _grid(heads: Iterable[str], lines: Iterable[Iterable[str | None]]) -> Element:
    head = node("tr", *(node("th", each, scope="col") for each in heads))
    body = [node("tr", *(node("td", cell) for cell in line)) for line in lines]
    return node("div", node("table", head, body, class_="grid-of-cells"), class_="wide")


def _numbered(texts: Sequence[str]) -> Element | None:
    return node("ol", *(node("li", text) for text in texts)) if texts else None


def _section(title: str, *children: Element | None) -> Element | None:
    return node("section", node("h2", title), *children) if any(child is not None for child in children) else None


def footer(document: Document) -> Element:
    """By which ghostpy it was made."""
    return node("p", f"ghostpy {document['ghostpy']}", class_="dim foot")
