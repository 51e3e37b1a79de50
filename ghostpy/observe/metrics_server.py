"""The endpoint that Prometheus scrapes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, ProcessCollector, start_http_server

from ghostpy.errors import UsageError
from ghostpy.observe.metrics import RunMetrics


@contextmanager
def metrics_served(metrics: RunMetrics, address: str, port: int) -> Iterator[int]:
    """Answer at /metrics for the length of a block; the port, which is a free one where `port` is 0.

    The figures of the process itself are told there as well. Raises UsageError where the port cannot be had.
    """
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    registry.register(metrics)
    try:
        server, thread = start_http_server(port, address, registry)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(
            f"--metrics-port: {address}:{port} cannot be listened on: {reason}.",
            hint="Is another run using it? Nothing was created or changed.",
        ) from error
    try:
        yield int(server.server_port)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
