"""The thread that follows the slot: reads, decodes, hands over, and connects again after a loss."""

from __future__ import annotations

import logging
import threading
import time

from ghostpy.dialects.handover import Handover
from ghostpy.dialects.postgres.wal.news import News
from ghostpy.dialects.postgres.wal.peek import Peeker
from ghostpy.dialects.postgres.wal.pgoutput import Decoder, Followed
from ghostpy.dialects.postgres.wal.reader import Reader, SlotAddress
from ghostpy.dialects.postgres.wal.replication import WalSender
from ghostpy.dialects.postgres.wal.slot_state import SlotWatch
from ghostpy.errors import ConnectionFailed, GhostpyError, MissingPrivilege, ServerError, ServerGone, StreamLost

log = logging.getLogger("ghostpy.postgres.stream")

_FIRST_DELAY = 0.1
_LONGEST_DELAY = 10.0
_FULL_SECONDS = 0.25
"""How long to wait for room before the connection needs to be kept alive again."""
_PLACE_SECONDS = 0.25
"""How often a place without news is handed over."""
_STOP_SECONDS = 15.0


class Follower:
    """Follows from `start` until `stop`, or until it cannot go on; then the hand-over gets the error.

    `way`: `walsender`, `peek`, or `auto` for the first of them that is to be had.
    """

    def __init__(
        self,
        address: SlotAddress,
        followed: Followed,
        start: int,
        handover: Handover[News],
        watch: SlotWatch,
        *,
        way: str = "auto",
    ) -> None:
        self._address = address
        self._followed = followed
        self._handover = handover
        self._watch = watch
        self._ways = ["walsender", "peek"] if way == "auto" else [way]
        self._place = start
        self.confirmed = start
        """The furthest place that the server was told not to keep anything before."""
        self._decoder = Decoder(followed)
        self._reader: Reader | None = None
        self._last_pid = 0
        self._published_at = 0.0
        self._told: tuple[int | None, int] = (None, 0)
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="ghostpy-slot", daemon=True)

    @property
    def reader_pid(self) -> int:
        """The server process that reads for us, 0 where there is none."""
        reader = self._reader
        return reader.pid if reader else 0

    @property
    def way(self) -> str:
        """How it reads; may change only before the first connection was made."""
        return self._ways[0]

    def begin(self) -> None:
        self._thread.start()

    def confirm(self, lsn: int) -> None:
        """All before `lsn` was taken in, and the server need not keep it for us."""
        self.confirmed = max(self.confirmed, lsn)

    def let_go(self) -> None:
        """Give up a connection on which something was read that is not confirmed.

        A server that is shutting down waits, without limit, for its walsenders' clients to confirm all that it sent.
        """
        if self._place > self.confirmed:
            self._interrupt()

    def abandon(self) -> None:
        """Give up the connection, and make no other. What was handed over stays there."""
        self._stopping.set()
        self._interrupt()

    def _interrupt(self) -> None:
        with self._lock:
            if self._reader is not None:
                self._reader.interrupt()

    def stop(self) -> None:
        """End the thread; blocks for as long as that takes, within limits. Safe to call twice."""
        self._handover.close()
        self.abandon()
        if self._thread.ident is not None:
            self._thread.join(_STOP_SECONDS)

    # --- on the thread ----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            self._follow()
        except GhostpyError as error:
            self._handover.fail(error)
        except Exception as error:
            log.exception("the change stream's thread failed")
            self._handover.fail(
                StreamLost(f"following {self._followed.relation.name} failed: {type(error).__name__}: {error}")
            )

    def _follow(self) -> None:
        failures = 0
        connected_once = False
        while not self._stopping.is_set():
            before = self._place
            try:
                self._connect() if connected_once else self._connect_first()
                connected_once = True
                self._read()
                return
            except ConnectionFailed as error:
                if not connected_once:
                    raise
                lost = error
            finally:
                self._disconnect()
            if self._stopping.is_set():
                return
            failures = 1 if self._place != before else failures + 1
            limit = self._address.settings.stream_reconnect_attempts
            if limit and failures > limit:
                raise ServerGone(f"{lost.message}; not to be had again in {limit} attempts") from lost
            delay = min(_FIRST_DELAY * 2 ** min(failures - 1, 10), _LONGEST_DELAY)
            log.info("%s; connecting again in %.1f s", lost.message, delay)
            self._stopping.wait(delay)

    def _connect_first(self) -> None:
        """By the first way that is to be had."""
        try:
            self._connect()
        except (ConnectionFailed, MissingPrivilege, ServerError) as error:
            if len(self._ways) == 1:
                raise
            self._disconnect()
            refused, self._ways = self._ways[0], self._ways[1:]
            try:
                self._connect()
            except GhostpyError:
                raise error from None
            log.warning("no %s to be had (%s): reading the change stream by queries", refused, error.message)

    def _connect(self) -> None:
        reader = self._make_reader()
        with self._lock:
            self._reader = reader
        # Anew: a message that was cut off by the loss of the connection comes again as a whole.
        decoder = Decoder(self._followed, base=reader.base)
        # Only what was handed over counts: an end mark must not be there before the keys that lie before it.
        decoder.lsn = self._place
        decoder.heartbeat, decoder.end = self._told
        decoder.restart(reference=reader.open(self._place, confirmed=self.confirmed))
        self._decoder = decoder
        self._last_pid = reader.pid
        self._publish()

    def _make_reader(self) -> Reader:
        if self.way == "peek":
            return Peeker(self._address, self._watch)
        return WalSender(self._address, self._watch, last_pid=self._last_pid)

    def _disconnect(self) -> None:
        with self._lock:
            reader, self._reader = self._reader, None
        if reader is not None:
            reader.close()

    def _read(self) -> None:
        reader, decoder = self._reader, self._decoder
        assert reader is not None
        while not self._stopping.is_set():
            reader.confirm(self.confirmed)
            received = reader.receive()
            try:
                decoder.feed(received.messages)
            except GhostpyError:
                # What came before something that ends the run has come.
                self._publish()
                raise
            if received.end is not None:
                decoder.advance(received.end)
            if self._worth_telling(decoder):
                self._publish()

    def _worth_telling(self, decoder: Decoder) -> bool:
        if decoder.events or (decoder.heartbeat, decoder.end) != self._told:
            return True
        return decoder.lsn > self._place and time.monotonic() - self._published_at >= _PLACE_SECONDS

    def _publish(self) -> None:
        """Hand over what was found, and keep the connection alive while there is no room."""
        reader, news = self._reader, self._decoder.take()
        while not self._handover.put(news, timeout=_FULL_SECONDS):
            if reader is not None:
                reader.confirm(self.confirmed)
        self._place = news.lsn
        self._told = news.heartbeat, news.end
        self._published_at = time.monotonic()
