"""What to look at before a plan is carried out, and after it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ghostpy.model.advice import Check
from ghostpy.model.backup import span
from ghostpy.model.names import TableName
from ghostpy.model.plan import Plan, Strategy
from ghostpy.settings import MigrateSettings

_LONG = {
    "mysql": "SELECT trx_mysql_thread_id, trx_started, trx_query FROM information_schema.innodb_trx ORDER BY trx_started LIMIT 5",
    "postgres": "SELECT pid, usename, xact_start, state, query FROM pg_stat_activity WHERE xact_start IS NOT NULL ORDER BY xact_start LIMIT 5",
}


def checks_before(plan: Plan, settings: MigrateSettings, quoted: Callable[[TableName], str]) -> tuple[Check, ...]:
    """`quoted`: a table's name in SQL."""
    if plan.strategy is Strategy.NOTHING:
        return ()
    return (
        Check("how many rows there are", _count(plan, quoted)),
        Check("no transaction is open for long: it would hold up every lock", _LONG[settings.connect.dialect]),
        Check("the plan is still the same right before the change", "ghostpy plan, with the same flags"),
        *_backups(settings),
    )


def _backups(settings: MigrateSettings) -> Iterator[Check]:
    """Those asked for were seen when the plan was made; whether they can be restored, none of them shows."""
    asked = settings.backups
    for path in asked.files:
        yield Check(f"a backup is at most {span(asked.max_age)} old (--require-backup-file)", path)
    for command in asked.commands:
        # Not its arguments: a plan goes about, and they may hold what nobody is to read.
        yield Check("there is a backup (--require-backup-command)", command[0])
    yield Check("a recent backup can be restored", "your own means")


def checks_after(plan: Plan, settings: MigrateSettings, quoted: Callable[[TableName], str]) -> tuple[Check, ...]:
    """`quoted`: a table's name in SQL."""
    return tuple(_after(plan, settings, quoted))


def _after(plan: Plan, settings: MigrateSettings, quoted: Callable[[TableName], str]) -> Iterator[Check]:
    if plan.strategy is Strategy.NOTHING:
        return
    postgres, source = settings.connect.dialect == "postgres", quoted(plan.source.name)
    yield Check("nothing is left to do", "ghostpy plan, with the same flags: its strategy is `nothing to do`")
    yield Check("the definition is as you want it", f"\\d {source}" if postgres else f"SHOW CREATE TABLE {source}")
    yield Check("how many rows there are", _count(plan, quoted))
    if plan.strategy is Strategy.SHADOW and not settings.target.ok_to_drop_old:
        yield Check(
            "old and new rows agree, but for those written since the exchange; the run has compared them before it",
            f"ghostpy verify --table {plan.source.name.table}",
        )
    if postgres and plan.strategy is Strategy.STAGED:
        literal = "'" + source.replace("'", "''") + "'::regclass"
        yield Check(
            "no index is invalid",
            f"SELECT indexrelid::regclass FROM pg_index WHERE indrelid = {literal} AND NOT indisvalid",
        )
        yield Check(
            "all constraints are validated",
            f"SELECT conname FROM pg_constraint WHERE conrelid = {literal} AND NOT convalidated",
        )


def _count(plan: Plan, quoted: Callable[[TableName], str]) -> str:
    return f"SELECT count(*) FROM {quoted(plan.source.name)}"
