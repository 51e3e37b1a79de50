"""The frame of every page: one file of HTML that needs nothing beside itself."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from ghostpy.observe.report_nodes import Child, node, written
from ghostpy.observe.report_style import STYLE

# The browser itself then refuses to fetch or run anything.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def page(title: str, *sections: Child) -> str:
    """The whole document."""
    head = node(
        "head",
        node("meta", charset="utf-8"),
        node("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        node("meta", name="viewport", content="width=device-width, initial-scale=1"),
        node("link", rel="icon", href="data:,"),
        node("title", title),
        node("style", STYLE),
    )
    return written(node("html", head, node("body", node("main", *sections)), lang="en"))


def table_of(lines: list[tuple[str, str]]) -> Element | None:
    """A table of names and texts; none without lines."""
    if not lines:
        return None
    return node("table", (node("tr", node("th", name, scope="row"), node("td", text)) for name, text in lines))
