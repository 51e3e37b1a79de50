"""A plan as people read it: what would be done with which column, which tables would be made, what to look out for."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from functools import partial

from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from ghostpy.cli.plan_steps import plan_steps
from ghostpy.dialects import quoted
from ghostpy.model.advice import Alternative
from ghostpy.model.column_map import ColumnFeed, ColumnMap
from ghostpy.model.estimate import ASSUMES
from ghostpy.model.finding import Severity
from ghostpy.model.plan import Plan, Strategy
from ghostpy.model.table import Column, Generated
from ghostpy.observe.figures import duration, size, whole
from ghostpy.planning.alternatives import alternatives
from ghostpy.planning.plan_checks import checks_after, checks_before
from ghostpy.planning.way_back import ways_back
from ghostpy.settings import MigrateSettings

_LABEL = 12

Row = tuple[str, Sequence[str]]
"""A label and the lines beside it."""


def plan_rows(plan: Plan, settings: MigrateSettings) -> Sequence[Row]:
    """Everything there is to say about the plan."""
    return tuple((label, lines) for label, lines in _rows(plan, settings) if lines)


def plan_text(plan: Plan, settings: MigrateSettings, width: int) -> str:
    """As plain text, in lines of at most `width` characters where that can be."""
    lines = [_title(plan)]
    for label, texts in plan_rows(plan, settings):
        beside = " " * (_LABEL + 4)
        for number, text in enumerate(texts):
            begin = f"  {label:<{_LABEL}}  " if number == 0 else beside
            lines += textwrap.wrap(
                text,
                max(width, _LABEL + 24),
                initial_indent=begin,
                subsequent_indent=f"{beside}  ",
                break_long_words=False,
                break_on_hyphens=False,
            ) or [begin.rstrip()]
    lines.append(_nothing_changed(plan))
    return "\n".join(lines) + "\n"


def print_plan(plan: Plan, settings: MigrateSettings, console: Console) -> None:
    """In colour on a terminal, else as plain text."""
    if not console.is_terminal:
        # Not through the console, which would cut lines at its own idea of a width.
        console.file.write(plan_text(plan, settings, 110))
        return
    console.print(Text(_title(plan), "bold"))
    grid = Grid.grid(padding=(0, 2))
    grid.add_column(no_wrap=True, style="dim")
    grid.add_column(overflow="fold")
    for label, texts in plan_rows(plan, settings):
        style = "yellow" if label == "look out" else ""
        grid.add_row(f"  {label}", Text("\n".join(texts), style))
    console.print(grid)
    console.print(Text(_nothing_changed(plan), "bold green"))


def _title(plan: Plan) -> str:
    if plan.strategy is Strategy.NOTHING:
        return f"Plan for {plan.source.name}: there is nothing to do."
    return f"Plan for {plan.source.name}:"


def _nothing_changed(plan: Plan) -> str:
    way_on = "" if plan.strategy is Strategy.NOTHING else " To carry it out, add --execute."
    return f"This was a dry run: nothing was changed.{way_on}"


def _rows(plan: Plan, settings: MigrateSettings) -> Iterator[Row]:
    source = plan.source
    yield "table", [f"{source.name}, about {whole(source.row_estimate)} rows, {size(source.data_bytes)}"]
    yield "change", [" ".join(plan.alter.split())] if plan.alter else []
    yield "strategy", [_strategy(plan), *([f"because {plan.reason}"] if plan.reason else [])]
    steps = [step.text for step in plan_steps(plan, settings)]
    if plan.strategy in (Strategy.INSTANT, Strategy.STAGED):
        yield "steps", steps
    elif plan.strategy is Strategy.BACKFILL:
        yield "chunk", steps
    if plan.strategy in (Strategy.SHADOW, Strategy.REVERT, Strategy.BACKFILL):
        columns = ", ".join(column.name for column in plan.copy_key.source_columns)
        yield "key" if plan.strategy is Strategy.BACKFILL else "copy key", [f"{plan.copy_key.index} ({columns})"]
        yield "rows", [f"only where {plan.where}" if plan.where else "all"]
    if plan.strategy is Strategy.BACKFILL:
        yield "set", [f"{feed.target.name} = {feed.transform}" for feed in plan.columns.feeds]
        yield "made", [f"{plan.names.ledger} (ledger, gone at the end)"]
    elif plan.strategy is not Strategy.NOTHING:
        yield from _columns(plan.columns, plan.shadow.columns)
    if plan.strategy is Strategy.SHADOW:
        yield "made", [f"{plan.names.shadow} (shadow)", f"{plan.names.ledger} (ledger)"]
        yield "disk", [_disk(plan, settings)]
        yield "steps", steps
    if plan.strategy is Strategy.REVERT:
        yield "steps", steps
    yield from _beside(plan, settings)
    yield "look out", [f.told for f in plan.findings if f.severity is Severity.WARN]
    yield "in the way", [f.told for f in plan.findings if f.severity is Severity.REFUSE]


def _beside(plan: Plan, settings: MigrateSettings) -> Iterator[Row]:
    """What is said beside what is done, of a change."""
    if plan.strategy not in (Strategy.SHADOW, Strategy.INSTANT, Strategy.STAGED):
        return
    yield "estimate", list(_estimate(plan))
    yield "instead", [_instead(each) for each in alternatives(plan, settings.connect.dialect)]
    table = partial(quoted, settings.connect)
    yield "way back", [each.told for each in ways_back(plan, settings, table)]
    yield "before", [each.told for each in checks_before(plan, settings, table)]
    yield "afterwards", [each.told for each in checks_after(plan, settings, table)]


def _estimate(plan: Plan) -> Iterator[str]:
    found = plan.estimate
    if found is None:
        return
    if found.at_once:
        yield f"at once: {found.reason}"
        return
    if found.seconds is None:
        yield f"no estimate of the time: {found.reason}"
        return
    parts = ", ".join(f"{name} {duration(seconds)}" for name, seconds in found.parts.items())
    sample = f", by a sample of {whole(found.sample_rows)} rows taken in {duration(found.sample_seconds)}"
    yield f"about {duration(found.seconds)}{f' ({parts})' if parts else ''}{sample if found.sample_rows else ''}"
    if found.disk_bytes is not None and found.log_bytes is not None:
        what = "the new table" if plan.strategy is Strategy.SHADOW else "what is built"
        sorting = f", {size(found.temporary_bytes)} of it to sort in" if found.temporary_bytes else ""
        yield f"about {size(found.disk_bytes)} of disk for {what}{sorting}; and {size(found.log_bytes)} of log"
    yield f"as long as {ASSUMES}" + (f"; {found.reason}" if found.reason else "")


def _instead(other: Alternative) -> str:
    found = other.estimate
    if found is None or found.seconds is None:
        return other.told
    sizes = [f"{size(found.disk_bytes)} of disk"] if found.disk_bytes is not None else []
    sizes += [f"{size(found.log_bytes)} of log"] if found.log_bytes is not None else []
    return f"{other.told}. About {', '.join([duration(found.seconds), *sizes])}, by the same kind of sample"


def _disk(plan: Plan, settings: MigrateSettings) -> str:
    """What is written is known only roughly, and how much is free no SQL tells."""
    log = "WAL" if settings.connect.dialect == "postgres" else "binary log"
    return (
        f"about {size(plan.source.data_bytes)} for the rows of the new table, the same order in the {log}, and room for its indexes; "
        + (f"{size(plan.disk.free)} are free now" if plan.disk else "ghostpy cannot see how much is free")
    )


def _strategy(plan: Plan) -> str:
    match plan.strategy:
        case Strategy.NOTHING:
            return "nothing to do: the table is as it is meant to become"
        case Strategy.INSTANT:
            return "instant: the server changes the table's definition alone"
        case Strategy.STAGED:
            return "online, in steps: the server does the work beside readers and writers; no step holds them for long"
        case Strategy.SHADOW:
            return "shadow: the rows go into a new table, which then takes the source's name"
        case Strategy.BACKFILL:
            return "backfill: rows are updated where they are, chunk by chunk along the key, each chunk in a transaction of its own"
        case Strategy.REVERT:
            return "revert: the old table is brought in step, and then takes its name again"


def _columns(columns: ColumnMap, shadow: Sequence[Column]) -> Iterator[Row]:
    copied, converted, renamed, transformed = [], [], [], []
    for feed in columns.feeds:
        changes = _changes(feed)
        if feed.source is None or feed.transform is not None:
            transformed.append(f"{feed.target.name} = {feed.transform}")
        elif feed.source.name.casefold() != feed.target.name.casefold():
            details = f" ({'; '.join(changes)})" if changes else ""
            renamed.append(f"{feed.source.name} → {feed.target.name}{details}")
        elif changes:
            converted.append(f"{feed.target.name}: {'; '.join(changes)}")
        else:
            copied.append(feed.target.name)
    yield "copied", [", ".join(copied)] if copied else []
    yield "converted", converted
    yield "renamed", renamed
    yield "computed", transformed
    yield "added", [_added(column) for column in columns.added]
    generated = [column.name for column in shadow if column.generated is not Generated.NO]
    yield "generated", [", ".join(generated)] if generated else []
    yield "dropped", [", ".join(column.name for column in columns.dropped)] if columns.dropped else []


def _changes(feed: ColumnFeed) -> Sequence[str]:
    old, new = feed.source, feed.target
    if old is None:
        return ()
    changes = []
    if old.full_type != new.full_type:
        changes.append(f"{old.full_type} → {new.full_type}")
    if old.collation != new.collation:
        changes.append(f"{old.collation or 'no collation'} → {new.collation or 'no collation'}")
    if old.nullable != new.nullable:
        changes.append("NULL → NOT NULL" if old.nullable else "NOT NULL → NULL")
    return changes


def _added(column: Column) -> str:
    if column.auto_increment:
        value = "numbered by the server"
    elif column.default is not None:
        value = f"default {column.default}"
    else:
        value = "NULL" if column.nullable else "no default"
    return f"{column.name} {column.full_type} ({value})"
