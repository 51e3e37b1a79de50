"""`ghostpy migrate` around the migration: plans, reports, signals. The migration itself is a stand-in here."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from msgspec.structs import replace
from rich.console import Console

from ghostpy.cli.main import main
from ghostpy.cli.plan_text import plan_text, print_plan
from ghostpy.errors import CutOverInDoubt, ServerError
from ghostpy.model.column_map import ColumnFeed, ColumnMap, CopyKey
from ghostpy.model.finding import Finding, Severity
from ghostpy.model.names import TableName, helper_names
from ghostpy.model.plan import Plan, Strategy
from ghostpy.model.planned_step import Blocks, PlannedStep
from ghostpy.model.progress import Phase, Progress, RunReport
from ghostpy.model.table import Column, Generated, Table
from ghostpy.protocols import Observer
from ghostpy.settings import CopySettings, CutOverSettings, MigrateSettings, TargetSettings

ARGUMENTS = ["--database=shop", "--table=customers", "--alter=ADD note TEXT"]
REPORT = RunReport(
    "shop.customers",
    "shadow",
    "shop._customers_del",
    9,
    5,
    10,
    10,
    3,
    2,
    0,
    True,
    1,
    0.02,
    drop_old="DROP TABLE `shop`.`_customers_del`",
)
Capture = pytest.CaptureFixture[str]


def column(name: str, kind: str = "int", *, nullable: bool = True, **more: object) -> Column:
    found = Column(name, 1, kind.split("(")[0], kind, nullable)
    return replace(found, **more)  # type: ignore[arg-type]


def a_plan() -> Plan:
    source = Table(TableName("shop", "customers"), "BASE TABLE", "InnoDB", (), (), row_estimate=10**6, data_bytes=10**8)
    number = column("id", nullable=False)
    feeds = (
        ColumnFeed(number, number),
        ColumnFeed(column("city", "varchar(9)"), column("city", "varchar(9)")),
        ColumnFeed(column("amount", "bigint", nullable=False), column("amount")),
        ColumnFeed(
            column("full_name", "text", collation="utf8mb4_bin"), column("name", "text", collation="latin1_bin")
        ),
        ColumnFeed(column("first_name", "text"), None, "SUBSTRING_INDEX(name, ' ', 1)"),
    )
    total = column("total", generated=Generated.STORED)
    return Plan(
        source=source,
        shadow=Table(TableName("shop", "_customers_gho"), "BASE TABLE", "InnoDB", (total,), ()),
        names=helper_names(source.name, limit=64),
        alter="ADD note TEXT,\n  DROP age",
        strategy=Strategy.SHADOW,
        copy_key=CopyKey("PRIMARY", "PRIMARY", (number,), (number,)),
        columns=ColumnMap(feeds, (column("note", "text"), column("n", default="0")), (column("age"),), (("a", "b"),)),
        where="id > 5",
        findings=(
            Finding("binlog-short", "The binlog is kept for 1 hour only", "Keep it longer.", Severity.WARN),
            Finding("no-way", "It cannot be", "Give up.", Severity.REFUSE),
        ),
    )


PLAN_LINES = [
    "Plan for shop.customers:",
    "  table         shop.customers, about 1,000,000 rows, 100.0 MB",
    "  change        ADD note TEXT, DROP age",
    "  strategy      shadow: the rows go into a new table, which then takes the source's name",
    "  copy key      PRIMARY (id)",
    "  rows          only where id > 5",
    "  copied        id, city",
    "  converted     amount: int → bigint; NULL → NOT NULL",
    "  renamed       name → full_name (latin1_bin → utf8mb4_bin)",
    "  computed      first_name = SUBSTRING_INDEX(name, ' ', 1)",
    "  added         note text (NULL)",
    "                n int (default 0)",
    "  generated     total",
    "  dropped       age",
    "  made          shop._customers_gho (shadow)",
    "                shop._customers_ghc (ledger)",
    "  disk          about 100.0 MB for the rows of the new table, the same order in the binary log, and room for its",
    "                  indexes; ghostpy cannot see how much is free",
    "  steps         copy with 2 workers, chunks sized by the time they take, while all changes are followed",
    "                compare both tables",
    "                exchange the names (LOCK TABLES … WRITE on shop.customers, for a moment; waiting at most 3 s for the",
    "                  lock in one attempt)",
    "                keep the old rows in shop._customers_del",
    "  instead       the server's own ALTER: one ALTER TABLE: with ALGORITHM=COPY writers wait for as long as it takes; with",
    "                  INPLACE they go on, where the server can do that, but replicas fall behind by as long as it took; it",
    "                  cannot be paused, nor gone on with after an interruption, and leaves no old table",
    "                expand and contract: `ghostpy expand`: new columns beside the old ones, kept in step both ways by",
    "                  triggers, the old ones dropped when nothing uses them any more: old and new versions of the",
    "                  application work at once, at the price of more steps and of writing both columns meanwhile",
    "  way back      copy and compare: end the run (Ctrl-C); what a killed one leaves goes by `ghostpy cleanup --execute`.",
    "                  Lost: nothing: the table is untouched until the exchange",
    "                exchange the names: RENAME TABLE `shop`.`customers` TO `shop`.`_customers_gho`, `shop`.`_customers_del`",
    "                  TO `shop`.`customers`. With --keep-revertible or --revert-window `ghostpy revert` goes back and loses",
    "                  no write. Lost: every write made since the exchange",
    "                drop shop._customers_del, whenever you do: from a backup only. Lost: the old rows, with the values of",
    "                  age",
    "  before        how many rows there are: SELECT count(*) FROM `shop`.`customers`",
    "                no transaction is open for long: it would hold up every lock: SELECT trx_mysql_thread_id, trx_started,",
    "                  trx_query FROM information_schema.innodb_trx ORDER BY trx_started LIMIT 5",
    "                the plan is still the same right before the change: ghostpy plan, with the same flags",
    "                a recent backup can be restored: your own means",
    "  afterwards    nothing is left to do: ghostpy plan, with the same flags: its strategy is `nothing to do`",
    "                the definition is as you want it: SHOW CREATE TABLE `shop`.`customers`",
    "                how many rows there are: SELECT count(*) FROM `shop`.`customers`",
    "                old and new rows agree, but for those written since the exchange; the run has compared them before it:",
    "                  ghostpy verify --table customers",
    "  look out      The binlog is kept for 1 hour only. Keep it longer. [binlog-short]",
    "  in the way    It cannot be. Give up. [no-way]",
    "This was a dry run: nothing was changed. To carry it out, add --execute.",
]


def test_plan_text() -> None:
    assert plan_text(a_plan(), MigrateSettings(), 120).splitlines() == PLAN_LINES


def test_plan_text_follows_the_settings() -> None:
    settings = MigrateSettings(
        target=TargetSettings(ok_to_drop_old=True),
        copy=CopySettings(chunk_rows=5000, workers=1),
        cut_over=CutOverSettings(lock_timeout=7, postpone_flag_file=Path("some/flag")),
        verify=False,
    )
    text = plan_text(replace(a_plan(), where=None, findings=()), settings, 120)
    for part in ("5,000 rows", "1 workers", "7 s", "some/flag is removed", "--verify=off", "drop the old table", "all"):
        assert part in text
    assert "look out" not in text


def test_plans_without_a_shadow() -> None:
    step = PlannedStep("ALTER TABLE … ALGORITHM=INSTANT", "exclusive, for a moment", Blocks.ALL)
    instant = plan_text(replace(a_plan(), strategy=Strategy.INSTANT, steps=(step,)), MigrateSettings(), 120)
    assert "steps         ALTER TABLE … ALGORITHM=INSTANT (exclusive, for a moment)" in instant
    assert "copy key" not in instant
    nothing = plan_text(replace(a_plan(), strategy=Strategy.NOTHING, findings=()), MigrateSettings(), 120)
    assert nothing.splitlines()[0] == "Plan for shop.customers: there is nothing to do."
    assert "--execute" not in nothing


@pytest.mark.parametrize("width", [30, 80, 200])
def test_long_lists_are_wrapped(width: int) -> None:
    feeds = tuple(ColumnFeed(column(f"column_{n}"), column(f"column_{n}")) for n in range(60))
    text = plan_text(replace(a_plan(), columns=ColumnMap(feeds)), MigrateSettings(), width)
    assert "column_59" in text
    if width > 60:
        assert max(map(len, text.splitlines())) <= width
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=width, color_system=None, _environ={})
    print_plan(replace(a_plan(), columns=ColumnMap(feeds)), MigrateSettings(), console)
    assert "column_59" in file.getvalue()


def test_a_dry_run_prints_the_plan(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    async def migrate(settings: MigrateSettings, observer: Observer) -> Plan:
        assert not settings.execute
        return a_plan()

    monkeypatch.setattr("ghostpy.cli.migrate.migrate", migrate)
    assert main(ARGUMENTS) == 0
    shown = capsys.readouterr()
    assert shown.out.splitlines()[-1] == PLAN_LINES[-1]
    assert shown.err == ""


def test_a_run_prints_status_lines_and_the_report(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    async def migrate(settings: MigrateSettings, observer: Observer) -> RunReport:
        assert settings.execute
        observer.happened("it begins")
        observer.happened("look out", warning=True)
        observer.progressed(Progress(phase=Phase.COPY))
        await asyncio.sleep(0)
        observer.ended(REPORT)
        return REPORT

    monkeypatch.setattr("ghostpy.cli.migrate.migrate", migrate)
    assert main([*ARGUMENTS, "--execute", "--gtid", "--port=3307"]) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith(
        "# Migrating `shop`.`customers`; Ghost table is `shop`.`_customers_gho`\n# Migrating 127.0.0.1:3307;"
    )
    assert "\nCopy: 0/0 100.0%;" in shown.out
    assert "shop.customers is changed." in shown.out
    assert "--gtid has nothing to do" in shown.err
    assert "WARNING look out" in shown.err
    assert "it begins" not in shown.err


def test_an_error_says_that_the_source_was_not_changed(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    async def migrate(settings: MigrateSettings, observer: Observer) -> RunReport:
        raise failure

    monkeypatch.setattr("ghostpy.cli.migrate.migrate", migrate)
    failure: Exception = ServerError("the disk is full", hint="Free some.")
    assert main([*ARGUMENTS, "--execute"]) == 10
    assert capsys.readouterr().err == "ghostpy: the disk is full. shop.customers was not changed. Free some.\n"
    failure = ServerError("the disk is full", hint="The names are exchanged already.")
    assert main([*ARGUMENTS, "--execute"]) == 10
    assert "was not changed" not in capsys.readouterr().err
    failure = CutOverInDoubt("no answer")
    assert main([*ARGUMENTS, "--execute"]) == 20
    assert "was not changed" not in capsys.readouterr().err
    failure = RuntimeError("out of hand")
    assert main([*ARGUMENTS, "--execute"]) == 1
    assert "RuntimeError: out of hand. This is a defect" in capsys.readouterr().err


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_run_cleanly(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch, number: signal.Signals, code: int
) -> None:
    cleaned = []

    async def migrate(settings: MigrateSettings, observer: Observer) -> RunReport:
        try:
            os.kill(os.getpid(), signal.SIGHUP)
            await asyncio.sleep(0.05)
            os.kill(os.getpid(), number)
            await asyncio.sleep(30)
        finally:
            await asyncio.sleep(0.05)
            cleaned.append(True)
        return REPORT

    monkeypatch.setattr("ghostpy.cli.migrate.migrate", migrate)
    assert main([*ARGUMENTS, "--execute", "--verbose"]) == code
    shown = capsys.readouterr().err
    assert cleaned
    assert "SIGHUP" in shown
    assert f"ghostpy: {number.name} ended the run: shop.customers was not changed" in shown
    assert signal.getsignal(number) in (signal.default_int_handler, signal.SIG_DFL)


def test_what_the_engine_says_of_an_interrupted_run_is_told(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    async def migrate(settings: MigrateSettings, observer: Observer) -> RunReport:
        os.kill(os.getpid(), signal.SIGTERM)
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError as ended:
            ended.add_note("The names are exchanged already.")
            raise
        return REPORT

    monkeypatch.setattr("ghostpy.cli.migrate.migrate", migrate)
    assert main([*ARGUMENTS, "--execute"]) == 143
    shown = capsys.readouterr().err
    assert "The names are exchanged already." in shown
    assert "not changed" not in shown


def test_a_run_that_ends_well_in_spite_of_a_signal_has_ended_well(monkeypatch: pytest.MonkeyPatch) -> None:
    async def migrate(settings: MigrateSettings, observer: Observer) -> RunReport:
        os.kill(os.getpid(), signal.SIGTERM)
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            observer.ended(REPORT)
        return REPORT

    monkeypatch.setattr("ghostpy.cli.migrate.migrate", migrate)
    assert main([*ARGUMENTS, "--execute"]) == 0


STUCK = """
import asyncio, sys
import ghostpy.cli.migrate as command
from ghostpy.cli.main import main

async def migrate(settings, observer):
    try:
        print("running", flush=True)
        await asyncio.sleep(60)
    finally:
        print("cleaning", flush=True)
        await asyncio.sleep(60)

command.migrate = migrate
sys.exit(main(sys.argv[1:]))
"""


def test_a_second_signal_ends_it_at_once() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", STUCK, *ARGUMENTS, "--execute"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "running\n"
        process.send_signal(signal.SIGTERM)
        assert process.stdout.readline() == "cleaning\n"
        # Lines are written by a thread of their own; the second signal does not wait for it.
        told = ""
        while "once more to end it without cleaning up" not in told:
            told += process.stderr.readline()
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130
        assert time.monotonic() - began < 5
        told = process.stderr.read()
    assert "shop._customers_gho and shop._customers_ghc may be left behind" in told
