"""Metrics sent to StatsD, once a second, with tags in DogStatsD's form.

A datagram is lost without a word where nobody listens; a sender of our own is forty lines, and no library in wide use has tags and
Unix sockets without an agent's client around them.
"""

from __future__ import annotations

import contextlib
import re
import socket
import time
from collections.abc import Iterable, Iterator, Sequence

from prometheus_client import CollectorRegistry, ProcessCollector

from ghostpy.errors import UsageError
from ghostpy.model.plan import Plan
from ghostpy.model.progress import Progress, RunReport
from ghostpy.model.run_end import RunEnd
from ghostpy.observe.metrics import RunMetrics

_EVERY = 1.0
_PACKET = 1400
"""Bytes that go through any network in one piece."""
_RESERVED = re.compile(r"[|,\n@#]")


class StatsD:
    """An observer that sends every metric as a gauge: `ghostpy.rows_copied_total:123|g|#table:t,…`.

    `address` is `host:port` or the path of a Unix datagram socket; figures of the process itself go along every
    `process_every` seconds, 0: never. Raises UsageError where the address cannot be used.
    """

    def __init__(self, address: str, tags: Sequence[str], metrics: RunMetrics, *, process_every: float) -> None:
        self._metrics = metrics
        self._tags = [_RESERVED.sub("_", tag) for tag in tags]
        self._socket, self._to = _opened(address)
        self._process_every = process_every
        self._process = CollectorRegistry()
        ProcessCollector(registry=self._process)
        self._sent = self._process_sent = 0.0

    def planned(self, plan: Plan, definition: str) -> None:
        return

    def progressed(self, progress: Progress) -> None:
        if time.monotonic() - self._sent >= _EVERY:
            self._send()

    def happened(self, text: str, *, warning: bool = False) -> None:
        return

    def ended(self, report: RunReport) -> None:
        return

    def closed(self, end: RunEnd) -> None:
        """To be called after the metrics know of the end."""
        self._send()
        self._socket.close()

    def _send(self) -> None:
        now = time.monotonic()
        self._sent = now
        registries = [self._metrics.registry]
        if self._process_every > 0 and now - self._process_sent >= self._process_every:
            self._process_sent = now
            registries.append(self._process)
        for packet in packets(line for registry in registries for line in lines(registry, self._tags)):
            # Whoever listens may come and go: the run does not depend on it.
            with contextlib.suppress(OSError):
                self._socket.sendto(packet, self._to)


def lines(registry: CollectorRegistry, tags: Sequence[str]) -> Iterator[str]:
    """A line for each sample but the classes of histograms; labels become tags."""
    for family in registry.collect():
        for sample in family.samples:
            if sample.name.endswith("_bucket"):
                continue
            told = [f"{name}:{_RESERVED.sub('_', value)}" for name, value in sample.labels.items()]
            name = sample.name.replace("ghostpy_", "ghostpy.", 1)
            suffix = f"|#{','.join([*told, *tags])}" if told or tags else ""
            yield f"{name}:{sample.value:.15g}|g{suffix}"


def packets(texts: Iterable[str]) -> Iterator[bytes]:
    """Lines put together as far as they fit into a datagram."""
    held = b""
    for text in texts:
        line = text.encode(errors="replace")
        if held and len(held) + 1 + len(line) > _PACKET:
            yield held
            held = b""
        held = held + b"\n" + line if held else line
    if held:
        yield held


def _opened(address: str) -> tuple[socket.socket, str | tuple[str, int]]:
    path = address.removeprefix("unix://")
    if path.startswith(("/", "@")):
        return _non_blocking(socket.AF_UNIX), "\0" + path[1:] if path.startswith("@") else path
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise UsageError(f"--statsd-addr must be host:port or the path of a socket, not {address!r}.")
    try:
        family, *_, place = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_DGRAM)[0]
    except OSError as error:
        raise UsageError(f"--statsd-addr: the host of {address!r} cannot be found: {error.strerror}.") from error
    return _non_blocking(family), (str(place[0]), int(place[1]))


def _non_blocking(family: int) -> socket.socket:
    opened = socket.socket(family, socket.SOCK_DGRAM)
    opened.setblocking(False)
    return opened
