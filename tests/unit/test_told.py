"""What the dialects log reaches the observers."""

from __future__ import annotations

import logging

from ghostpy.model.progress import Progress, RunReport
from ghostpy.observe.from_logging import told_to


class Heard:
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.events: list[tuple[str, bool]] = []

    def progressed(self, progress: Progress) -> None:
        raise AssertionError(progress)

    def happened(self, text: str, *, warning: bool = False) -> None:
        self.events.append((text, warning))

    def ended(self, report: RunReport) -> None:
        raise AssertionError(report)


def test_what_is_logged_is_told() -> None:
    heard, logger = Heard(), logging.getLogger("ghostpy.postgres.slot")
    with told_to(heard):
        logger.warning("waits for %s", "somebody")
        logger.info("connecting again")
        logger.debug("not this")
        logging.getLogger("somebody.else").warning("nor this")
    logger.warning("nor this, which is later")
    assert heard.events == [("waits for somebody", True), ("connecting again", False)]
