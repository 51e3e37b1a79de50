"""Other ways to the same table, and what they would cost."""

from __future__ import annotations

from ghostpy.model.advice import Alternative
from ghostpy.model.plan import Plan, Strategy

_EXPAND = Alternative(
    "expand and contract",
    "`ghostpy expand`: new columns beside the old ones, kept in step both ways by triggers, the old ones dropped when nothing uses them any more: "
    "old and new versions of the application work at once, at the price of more steps and of writing both columns meanwhile",
)


def alternatives(plan: Plan, dialect: str) -> tuple[Alternative, ...]:
    """None where nothing is to be done."""
    match plan.strategy:
        case Strategy.SHADOW:
            return (*_instant(plan, dialect), _servers_own(plan, dialect), _EXPAND)
        case Strategy.STAGED:
            return _servers_own_in_one(), _by_shadow(plan, dialect)
        case Strategy.INSTANT:
            return (_by_shadow(plan, dialect),)
    return ()


def _instant(plan: Plan, dialect: str) -> tuple[Alternative, ...]:
    if dialect != "mysql" or plan.takes_instant is None:
        return ()
    if plan.takes_instant:
        price = "--attempt-instant-ddl: an empty clone took ALGORITHM=INSTANT. Done at once, without a copy; but there is no old table to go back to"
    else:
        price = "an empty clone did not take ALGORITHM=INSTANT"
    return (Alternative(Strategy.INSTANT.value, price, plan.takes_instant),)


def _servers_own(plan: Plan, dialect: str) -> Alternative:
    if dialect == "postgres":
        price = (
            "one ALTER TABLE: ACCESS EXCLUSIVE for as long as the rewrite takes, so that nobody reads or writes the table meanwhile; "
            "it cannot be paused, nor gone on with after an interruption, and leaves no old table"
        )
    else:
        price = (
            "one ALTER TABLE: with ALGORITHM=COPY writers wait for as long as it takes; with INPLACE they go on, where the server can do that, but "
            "replicas fall behind by as long as it took; it cannot be paused, nor gone on with after an interruption, and leaves no old table"
        )
    return Alternative("the server's own ALTER", price, estimate=plan.native)


def _servers_own_in_one() -> Alternative:
    return Alternative(
        "the server's own ALTER",
        "in one statement: its lock is held for as long as the build or the look at all rows takes",
        True,
    )


def _by_shadow(plan: Plan, dialect: str) -> Alternative:
    flag = "--strategy=shadow" if dialect == "postgres" else "without --attempt-instant-ddl and --strategy=auto"
    return Alternative(
        Strategy.SHADOW.value,
        f"{flag}: about {plan.source.row_estimate:,} rows are copied and written to the log once more; "
        "in return the old table is kept, and with --keep-revertible there is a way back that loses no write",
    )
