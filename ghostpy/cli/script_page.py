"""The plan of a script as one page of HTML that needs nothing beside itself. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element

import ghostpy
from ghostpy.cli.plan_document import findings_document, plan_document
from ghostpy.cli.plan_page import findings_section, footer, of_plan
from ghostpy.cli.plan_text import plan_rows
from ghostpy.cli.script_text import beside, heading, how
from ghostpy.model.script import Decided, ScriptPlan
from ghostpy.observe.page import page, table_of
from ghostpy.observe.report_nodes import node
from ghostpy.settings import MigrateSettings


def script_page(plan: ScriptPlan, settings: MigrateSettings) -> str:
    """All statements in a table first; then one after the other, with the plan of each that is carried out as a migration."""
    sections = [_statement(each) for each in plan.statements]
    return page(
        f"Plan: {plan.script}",
        _header(plan, settings),
        table_of([(heading(each), how(each)) for each in plan.statements]),
        *sections,
        footer({"ghostpy": ghostpy.__version__}),
    )


def _header(plan: ScriptPlan, settings: MigrateSettings) -> Element:
    refused = plan.refusing
    word = f"{len(refused)} of {len(plan.statements)} statements refused" if refused else "possible"
    return node(
        "header",
        node("p", word, class_=f"result {'failed' if refused else 'changed'}"),
        node("h1", f"Plan of {plan.script}"),
        node(
            "p",
            f"on {settings.connect.address} ({settings.connect.dialect}). A dry run: nothing was changed.",
            class_="dim",
        ),
    )


def _statement(each: Decided) -> Element:
    return node(
        "section",
        node("h2", heading(each)),
        node("pre", each.statement.text, class_="sql"),
        node("p", how(each)),
        table_of([(label, text) for label, texts in beside(each) for text in texts]),
        *_plan(each),
        findings_section(findings_document(each.findings)),
    )


def _plan(each: Decided) -> Iterator[Element | None]:
    if each.migration is None:
        return
    plan, settings = each.migration.plan, each.migration.settings
    yield from of_plan(plan_document(plan, settings), dict(plan_rows(plan, settings)))
