"""What the three commands are going to do, in words."""

from __future__ import annotations

from collections.abc import Sequence

from ghostpy.model.expansion import Course, Expansion, ExpansionPhase, ExpansionPlan
from ghostpy.model.finding import Finding


def names(columns: Sequence[str]) -> str:
    """Several columns, as people list them."""
    return columns[0] if len(columns) == 1 else f"{', '.join(columns[:-1])} and {columns[-1]}"


def old_of(expansion: Expansion) -> str:
    return names([column.name for column in expansion.old])


def new_of(expansion: Expansion) -> str:
    return names([column.name for column in expansion.new])


def expand_plan(expansion: Expansion, findings: Sequence[Finding], sql: Sequence[str], where: str) -> ExpansionPlan:
    """`sql`: what adds the columns and makes the triggers; `where`: which rows are filled."""
    sets = ", ".join(f"{name} = ({text})" for name, text in expansion.up)
    done = expansion.phase is ExpansionPhase.EXPANDED
    steps = [
        "within one short lock on the table: add the columns (no row is touched), and create the triggers",
        *sql,
        f"fill the rows that there are, in chunks, as `ghostpy backfill` does: SET {sets} WHERE {where}",
        f"compare all rows: {new_of(expansion)} must follow from {old_of(expansion)} by --up, or the other way round by --down",
    ]
    return ExpansionPlan(Course.EXPAND, expansion, tuple(findings), tuple(steps[-1:] if done else steps))


def contract_plan(expansion: Expansion, findings: Sequence[Finding], sql: Sequence[str], rest: str) -> ExpansionPlan:
    """`rest`: the clauses that `ghostpy migrate` carries out at the end."""
    if expansion.phase is ExpansionPhase.CONTRACTED:
        return ExpansionPlan(Course.CONTRACT, expansion, tuple(findings), ())
    steps = ["within one short lock on the table: remove the triggers and what else is named here", *sql]
    if rest:
        steps.append(f'by its planned strategy, as `ghostpy migrate` does: --alter "{rest}"')
    steps.append("keep a note of the old columns for `ghostpy rollback`, until `ghostpy cleanup --execute` removes it")
    lost = (
        f"the values of {old_of(expansion)}. `ghostpy rollback` can add the columns again and compute them by --down: "
        "what --down does not give back as it was, is lost for good"
    )
    return ExpansionPlan(Course.CONTRACT, expansion, tuple(findings), tuple(steps), lost)


def rollback_plan(expansion: Expansion, findings: Sequence[Finding], sql: Sequence[str]) -> ExpansionPlan:
    """Of one that is not contracted."""
    steps = ["within one short lock on the table: remove the triggers and the new columns", *sql, "remove the ledger"]
    lost = f"the values of {new_of(expansion)}. What the new version wrote is kept in {old_of(expansion)}, as --down gave it"
    return ExpansionPlan(Course.ROLLBACK, expansion, tuple(findings), tuple(steps), lost)
