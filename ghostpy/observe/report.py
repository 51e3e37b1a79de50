"""The closing report: what a run did, in figures, and what is left to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ghostpy.model.plan import Strategy
from ghostpy.model.progress import RunReport
from ghostpy.observe.figures import duration, whole
from ghostpy.observe.passes_text import compared_again


def report_rows(report: RunReport) -> Sequence[tuple[str, str]]:
    """Pairs of a label and what there is to say."""
    return tuple(_rows(report))


def report_lines(report: RunReport) -> Sequence[str]:
    """As plain text."""
    rows = report_rows(report)
    width = max(len(label) for label, _ in rows)
    return (headline(report), *(f"  {label:<{width}}  {text}" for label, text in rows))


def headline(report: RunReport) -> str:
    """What became of the table."""
    if report.tried_in:
        return f"{report.source} is as it was: the change was tried out."
    if report.strategy == Strategy.BACKFILL.value:
        return f"{report.source} is updated."
    if report.strategy == Strategy.REVERT.value:
        return f"{report.source} is what it was before the change, with all rows changed since."
    nothing = report.strategy == Strategy.NOTHING.value
    return f"{report.source} {'is as it is meant to be: there was nothing to do' if nothing else 'is changed'}."


def _rows(report: RunReport) -> Iterator[tuple[str, str]]:
    yield "strategy", report.strategy
    if report.strategy == Strategy.BACKFILL.value:
        rate = f" ({whole(round(report.rows_copied / report.copy_elapsed))} rows/s)" if report.copy_elapsed > 0 else ""
        yield "rows updated", whole(report.rows_updated)
        yield "rows looked at", f"{whole(report.rows_copied)} in {duration(report.copy_elapsed)}{rate}"
        yield "total time", duration(report.elapsed)
        return
    if report.strategy == Strategy.REVERT.value:
        yield "changes followed", f"{whole(report.changes_seen)}, {whole(report.keys_resynced)} rows resynced"
        yield "verified", _verified(report)
    elif report.rows_copied or report.copy_elapsed:
        rate = f" ({whole(round(report.rows_copied / report.copy_elapsed))} rows/s)" if report.copy_elapsed > 0 else ""
        yield "rows copied", f"{whole(report.rows_copied)} in {duration(report.copy_elapsed)}{rate}"
        yield "changes followed", f"{whole(report.changes_seen)}, {whole(report.keys_resynced)} rows resynced"
        yield "verified", _verified(report)
    if report.cut_over_attempts:
        tries = "in the first attempt" if report.cut_over_attempts == 1 else f"in attempt {report.cut_over_attempts}"
        yield "writers held for", f"{duration(report.lock_seconds)}, {tries}"
    yield "total time", duration(report.elapsed)
    if report.tried_in:
        yield "new rows", f"in {report.tried_in}, to be compared and dropped"
        yield "replication", "is stopped (START REPLICA SQL_THREAD)"
    if report.old_table is not None:
        yield "old rows", f"kept in {report.old_table}"
        if report.revertible:
            yield "revert", "ghostpy revert takes it back"
        also = " and ghostpy cleanup --execute, for what was kept beside them" if report.revertible else ""
        yield "next", f"when they are not needed any more: {report.drop_old};{also}"


def _verified(report: RunReport) -> str:
    if not report.verified:
        return "no (--verify=off)"
    repaired = report.differences_repaired
    found = f"{whole(repaired)} repaired before the cut-over" if repaired else "no differences"
    again = f"; {compared_again(report.compared_again, report.last_compared)}" if report.compared_again else ""
    return f"{whole(report.rows_verified)} rows, {found}{again}"
