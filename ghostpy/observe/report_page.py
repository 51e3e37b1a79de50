"""The report of a run as one page of HTML that needs nothing beside itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from xml.etree.ElementTree import Element

from ghostpy.model.progress import Phase
from ghostpy.observe.figures import duration, go_duration, whole
from ghostpy.observe.page import page, table_of
from ghostpy.observe.passes_text import compared_again
from ghostpy.observe.report_nodes import node
from ghostpy.observe.report_plots import phase_class, plots, strip

_RESULTS = {
    "changed": "changed",
    "updated": "updated",
    "failed": "failed",
    "interrupted": "interrupted",
    "dry run": "dry run: nothing was changed",
    "nothing to do": "nothing to do",
    "tried out": "tried out on a replica: the table is as it was",
}


def report_page(data: dict[str, Any]) -> str:
    """The page for what `report_data` gave."""
    sections = (_header, _numbers, _course, _schema, _change, _settings, _events, _footer)
    return page(f"{data['table']}: {data['outcome']['result']}", *(section(data) for section in sections))


def _header(data: dict[str, Any]) -> Element:
    outcome = data["outcome"]
    begun, ended = (datetime.fromisoformat(data[name]) for name in ("started", "finished"))
    until = f"{ended:%H:%M:%S}" if begun.date() == ended.date() else f"{ended:%Y-%m-%d %H:%M:%S}"
    return node(
        "header",
        node("p", _RESULTS[outcome["result"]], class_=f"result {outcome['result'].replace(' ', '-')}"),
        node("h1", data["table"]),
        node("p", f"on {data['server']}, {begun:%Y-%m-%d %H:%M:%S} to {until} ({begun:%z})", class_="dim"),
        node("p", outcome["message"], class_="error", role="alert") if outcome["message"] else None,
    )


def _numbers(data: dict[str, Any]) -> Element:
    cards = [
        node("div", node("dt", label), node("dd", value, node("small", more) if more else None))
        for label, value, more in _cards(data)
    ]
    return node("dl", cards, class_="figures")


def _cards(data: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    figures, outcome = data["figures"], data["outcome"]
    yield "total time", duration(data["seconds"]), f"exit code {outcome['exit_code']}"
    if "strategy" in data["change"]:
        yield "strategy", data["change"]["strategy"], ""
    if not figures["copy_elapsed"]:
        return
    pace = round(figures["rows_copied"] / figures["copy_elapsed"])
    in_place = bool(data["change"]["assignments"])
    yield (
        "rows looked at" if in_place else "rows copied",
        whole(figures["rows_copied"]),
        f"in {duration(figures['copy_elapsed'])}, {whole(pace)} a second",
    )
    if in_place:
        yield "rows updated", whole(figures["rows_updated"]), ""
    elif "changes_seen" in figures:
        yield "changes followed", whole(figures["changes_seen"]), f"{whole(figures['keys_resynced'])} rows resynced"
    else:
        yield "changes applied", whole(figures["changes_applied"]), f"{whole(figures['backlog'])} keys were waiting"
    if not in_place:
        yield "rows compared", whole(figures["rows_verified"]), _verified(figures)
    rested = sum(data["throttled_seconds"].values())
    if rested:
        yield (
            "rested",
            duration(rested),
            ", ".join(f"{kind} {duration(s)}" for kind, s in data["throttled_seconds"].items()),
        )
    if figures["cut_over_attempts"]:
        held = duration(figures["lock_seconds"]) if figures["lock_seconds"] else "-"
        yield "writers held for", held, f"attempts to cut over: {figures['cut_over_attempts']}"


def _verified(figures: Mapping[str, Any]) -> str:
    if figures.get("verified") is False:
        return "comparison was switched off"
    repaired, again = figures["differences_repaired"], figures.get("compared_again")
    more = f"; {compared_again(again, figures['last_compared'])}" if again else ""
    if repaired:
        return f"{whole(repaired)} differed and were repaired{more}"
    return f"{'no differences' if 'verified' in figures else 'no differences so far'}{more}"


def _course(data: dict[str, Any]) -> Element | None:
    drawn = plots(data)
    if not drawn:
        return None
    spent: dict[str, float] = {}
    for span in data["phases"]:
        spent[span["kind"]] = spent.get(span["kind"], 0.0) + span["end"] - span["begin"]
    keys = [
        _key(phase_class(phase), f"{phase} {duration(time)}")
        for phase, time in spent.items()
        if phase != Phase.DONE.value
    ]
    keys += [_key("rest", "rested, for the reason in the tooltip")] if data["throttled"] else []
    keys += [_key("attempt", "attempt to cut over")] if data["cut_over_attempts"] else []
    bar = node("div", strip(data), node("ul", keys, class_="legend"), class_="timed")
    return node("section", node("h2", "Course"), bar, drawn, _rests(data))


def _key(kind: str, text: str) -> Element:
    return node("li", node("i", class_=kind), text)


def _rests(data: dict[str, Any]) -> Element | None:
    rests = data["throttled"]
    if not rests:
        return None
    lines = [
        node("tr", node("td", go_duration(rest["begin"]), class_="time"), node("td", duration(rest["end"] - rest["begin"]), class_="time"), node("td", rest["text"]))
        for rest in rests
    ]  # fmt: skip
    return node("details", node("summary", f"Rests: {len(rests)}"), node("table", lines))


def _schema(data: dict[str, Any]) -> Element | None:
    schema = data["schema"]
    if not schema["before"]:
        return None
    if schema["diff"]:
        kinds = {"+": "added", "-": "removed"}
        title = "Schema, before and after"
        body = node("pre", *(node("span", line or " ", class_=kinds.get(line[:1])) for line in schema["diff"]))
    else:
        unchanged = schema["after"] == schema["before"]
        title = "Schema, unchanged" if unchanged else "Schema before the run"
        body = node("pre", schema["before"])
    return node("section", node("h2", title), body)


def _change(data: dict[str, Any]) -> Element:
    change = data["change"]
    told: list[tuple[str, str]] = [(f"{column} =", sql) for column, sql in change["transforms"].items()]
    told += [("only rows where", change["where"])] if change["where"] else []
    told += [("copy key", ", ".join(change["copy_key"]))] if change.get("copy_key") else []
    told += [("why so", change["reason"])] if change.get("reason") else []
    told += [("step", step) for step in change.get("steps", ())]
    told += [("look out", finding["text"]) for finding in change.get("findings", ())]
    return node("section", node("h2", "Change"), node("pre", change["alter"], class_="sql"), table_of(told))


def _settings(data: dict[str, Any]) -> Element:
    return node(
        "section",
        node("h2", "Settings"),
        node("details", node("summary", "All settings; secrets are hidden"), table_of(flat(data["settings"]))),
    )


def flat(settings: Mapping[str, Any], before: str = "") -> list[tuple[str, str]]:
    """`section.name` and value of each setting."""
    found: list[tuple[str, str]] = []
    for name, value in settings.items():
        if isinstance(value, Mapping):
            found += flat(value, f"{before}{name}.")
        else:
            found.append((f"{before}{name}", "-" if value in ("", None, []) else str(value)))
    return found


def _events(data: dict[str, Any]) -> Element:
    lines = [
        node(
            "tr",
            node("td", f"{datetime.fromisoformat(event['time']):%H:%M:%S}", class_="time"),
            node("td", event["text"]),
            class_="warning" if event["warning"] else None,
        )
        for event in data["events"]
    ]
    out = f", {whole(data['events_left_out'])} in the middle left out" if data["events_left_out"] else ""
    opened = "open" if data["outcome"]["exit_code"] else None
    summary = node("summary", f"Events: {len(lines)}{out}")
    return node("section", node("h2", "What happened"), node("details", summary, node("table", lines), open=opened))


def _footer(data: dict[str, Any]) -> Element:
    return node("p", f"ghostpy {data['ghostpy']}", class_="dim foot")
