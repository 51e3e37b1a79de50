"""Those who watch a run: put together from what the user asked for, told of its end, and closed."""

from __future__ import annotations

import socket
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ghostpy.cli.failure import cause, exit_code, failure_text
from ghostpy.cli.invocation import Invocation
from ghostpy.cli.redaction import redact
from ghostpy.dialects import names_of
from ghostpy.model.run_end import RunEnd
from ghostpy.observe.log import Level, Log
from ghostpy.observe.log_file import log_file
from ghostpy.observe.log_line import JsonLines, LogLine, text_line
from ghostpy.observe.own_thread import OwnThread
from ghostpy.observe.redacting import Redacting
from ghostpy.observe.several import Several
from ghostpy.observe.status_line import RunFacts
from ghostpy.observe.status_lines import StatusLines
from ghostpy.protocols import Observer
from ghostpy.settings import MigrateSettings

if TYPE_CHECKING:
    from rich.console import Console

Closed = Callable[[RunEnd], None]


@dataclass
class _Watchers:
    """Observers by where they are told, and what is to be done once the run has ended, in this order."""

    at_once: list[Observer] = field(default_factory=list)
    """Quick ones that wait for nothing."""
    shown: list[Observer] = field(default_factory=list)
    """On a thread of their own, since a terminal may be held."""
    sent: list[Observer] = field(default_factory=list)
    """On another, since a disk may be slow."""
    closed: list[Closed] = field(default_factory=list)


@contextmanager
def watching(invocation: Invocation, console: Callable[[], Console], *, live: bool) -> Iterator[Observer]:
    """The observers of a run, for its length. Raises UsageError where one of them cannot begin; then nothing has begun."""
    watchers = _Watchers()
    with ExitStack() as resources:
        if invocation.settings.execute:
            # A dry run is nobody's figure, and may be made beside a run that serves them.
            _add_metrics(watchers, invocation, resources)
        _add_report(watchers, invocation)
        _add_logs(watchers, invocation, resources)
        try:
            with ExitStack() as threads:
                _add_display(watchers, invocation, console, threads, live=live)
                observers = [*watchers.at_once]
                for group in (watchers.shown, watchers.sent):
                    observers += [threads.enter_context(OwnThread(Several(group)))] if group else []
                yield Redacting(Several(observers), redact)
        except BaseException as error:
            _close(watchers.closed, _end(error, trace=invocation.trace))
            raise
        _close(watchers.closed, RunEnd(0, datetime.now().astimezone()))


def _end(error: BaseException, *, trace: bool) -> RunEnd:
    return RunEnd(
        exit_code=exit_code(error),
        finished=datetime.now().astimezone(),
        error=type(cause(error)).__name__,
        message=failure_text(error, trace=False).removeprefix("ghostpy: "),
        trace=redact("".join(traceback.format_exception(error))) if trace else "",
    )


def _close(closed: Sequence[Closed], end: RunEnd) -> None:
    for each in closed:
        try:
            each(end)
        except Exception as error:
            _to_stderr(f"ghostpy: what watches the run could not be finished: {redact(str(error))}.")


def _add_metrics(watchers: _Watchers, invocation: Invocation, resources: ExitStack) -> None:
    wanted, settings = invocation.observe, invocation.settings
    if not (wanted.metrics_port or wanted.metrics_textfile or wanted.statsd_address):
        return
    # Loaded by those who want them: on a small table that is a tenth of the run.
    from ghostpy.observe.metrics import RunLabels, RunMetrics
    from ghostpy.observe.metrics_server import metrics_served
    from ghostpy.observe.metrics_textfile import Textfile
    from ghostpy.observe.statsd import StatsD

    source, _ = names_of(settings)
    table = source.table if source.schema == settings.target.database else str(source)
    metrics = RunMetrics(RunLabels(settings.target.database, table, settings.connect.address))
    watchers.at_once.append(metrics)
    watchers.closed.append(metrics.closed)
    if wanted.metrics_port:
        resources.enter_context(metrics_served(metrics, wanted.metrics_address, wanted.metrics_port))
    if wanted.statsd_address:
        interval = wanted.runtime_metrics_interval
        statsd = StatsD(wanted.statsd_address, wanted.statsd_tags, metrics, process_every=interval)
        watchers.sent.append(statsd)
        watchers.closed.append(statsd.closed)
    if wanted.metrics_textfile:
        textfile = Textfile(wanted.metrics_textfile, metrics)
        watchers.sent.append(textfile)
        watchers.closed.append(textfile.closed)


def _add_report(watchers: _Watchers, invocation: Invocation) -> None:
    if not invocation.observe.reports:
        return
    from ghostpy.observe.report_data import report_data
    from ghostpy.observe.report_files import report_paths, write_report
    from ghostpy.observe.report_record import RunRecord

    settings, record = invocation.settings, RunRecord(redact)
    table = str(names_of(settings)[0])
    paths = report_paths(invocation.observe.reports, table, record.started)

    def write(path: Path, end: RunEnd) -> None:
        write_report(path, report_data(record, settings, table, end))
        if invocation.level is not Level.QUIET:
            _to_stdout(f"Report: {path}")

    watchers.at_once.append(record)
    # One by one: a disk that is full for the page may have room for the data.
    watchers.closed += [lambda end, path=path: write(path, end) for path in paths]  # type: ignore[misc]


def _add_logs(watchers: _Watchers, invocation: Invocation, resources: ExitStack) -> None:
    json = invocation.observe.log_format == "json"
    form: Callable[[LogLine], str] = text_line
    if json:
        form = JsonLines(str(names_of(invocation.settings)[0]), invocation.settings.connect.address)
    # As text the end is told by the program's last words on stderr.
    logs = [Log(invocation.level, _to_stderr, form, tells_end=json)]
    if invocation.observe.log_file is not None:
        write = resources.enter_context(log_file(invocation.observe.log_file))
        logs.append(Log(max(invocation.level, Level.VERBOSE), write, form, tells_end=True))
    watchers.shown += logs
    watchers.closed += [log.closed for log in logs]


def _add_display(
    watchers: _Watchers, invocation: Invocation, console: Callable[[], Console], threads: ExitStack, *, live: bool
) -> None:
    settings = invocation.settings
    if not live:
        silent = invocation.level is Level.QUIET and invocation.display == "auto"
        watchers.shown += [] if silent else [StatusLines(_facts(settings), _to_stdout)]
        return
    from ghostpy.observe.display import Display

    title = f"{names_of(settings)[0]} on {settings.connect.address}"
    own_log = sys.stderr.isatty() and invocation.level >= Level.VERBOSE
    watchers.shown.append(threads.enter_context(Display(console(), title, events=not own_log)))


def is_live(invocation: Invocation, console: Callable[[], Console]) -> bool:
    """Whether the progress is shown as a live display."""
    if invocation.display == "auto":
        # A dry run is over before there is anything to watch.
        if not invocation.settings.execute or invocation.level is Level.QUIET:
            return False
        return console().is_terminal and not console().is_dumb_terminal
    return invocation.display == "live"


def _facts(settings: MigrateSettings) -> RunFacts:
    source, names = names_of(settings)
    return RunFacts(
        source=source,
        shadow=names.shadow,
        address=settings.connect.address,
        executing_host=socket.gethostname(),
        started=datetime.now().astimezone(),
        keys_per_resync=settings.copy.resync_keys,
        nice_ratio=settings.copy.nice_ratio,
        postpone_flag_file=str(settings.cut_over.postpone_flag_file or ""),
        held=settings.cut_over.postpone,
        in_place=bool(settings.target.assignments),
    )


def _to_stdout(line: str) -> None:
    print(line, flush=True)


def _to_stderr(line: str) -> None:
    # Looked up each time: a live display puts a stream of its own there, which writes above it.
    print(line, file=sys.stderr, flush=True)
