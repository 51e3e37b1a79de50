"""The thread that follows the binlog: reads, decodes, hands over, and connects again after a loss."""

from __future__ import annotations

import logging
import random
import threading
import time
import uuid

from msgspec.structs import replace

from ghostpy.dialects.handover import BREATH, Handover
from ghostpy.dialects.mysql.binlog_place import BinlogPlace
from ghostpy.dialects.mysql.event_fields import ServerEnded
from ghostpy.dialects.mysql.events import EventDecoder
from ghostpy.dialects.mysql.followed import Followed
from ghostpy.dialects.mysql.news import News
from ghostpy.dialects.mysql.replication import Dump, free_server_id
from ghostpy.errors import ConnectionFailed, GhostpyError, MissingPrivilege, ServerGone, StreamLost
from ghostpy.settings import ConnectSettings

log = logging.getLogger("ghostpy.mysql.stream")

_NOT_IN_BINLOG = (
    1236  # ER_SOURCE_FATAL_ERROR_READING_BINLOG: the one number for all that is final, and for being kicked out
)
_DENIED = frozenset({1044, 1045, 1142, 1227})
_KICKED_TEXT = "same server_uuid/server_id"
_KICKS = 3
_FIRST_DELAY = 0.1
_LONGEST_DELAY = 10.0
_LITTLE = 16 * 1024
"""Bytes."""


class Follower:
    """Follows from `start` until `stop`, or until it cannot go on; then the hand-over gets the error."""

    def __init__(
        self, settings: ConnectSettings, followed: Followed, start: BinlogPlace, handover: Handover[News]
    ) -> None:
        self._settings = settings
        self._followed = followed
        self._handover = handover
        self._with_gtids = start.gtids is not None
        self._by_domains = not start.file and start.domains is not None
        self._decoder = EventDecoder(followed, executed=start.gtids, domains=start.domains)
        if not self._with_gtids:
            self._decoder.file, self._decoder.offset = start.file, start.offset
        self._place = start
        self._uuid = str(uuid.uuid4())
        self._fixed_id = settings.replica_server_id != ConnectSettings().replica_server_id
        self._server_id = 0
        self._kicks = 0
        self._dump: Dump | None = None
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="ghostpy-binlog", daemon=True)

    @property
    def connection_id(self) -> int:
        """The stream's connection on the server, 0 where there is none."""
        dump = self._dump
        return dump.connection_id if dump else 0

    def begin(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the thread; blocks for as long as that takes. Safe to call twice."""
        self._stopping.set()
        self._handover.close()
        with self._lock:
            if self._dump is not None:
                self._dump.interrupt()
        if self._thread.ident is not None:
            self._thread.join()

    # --- on the thread ----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            self._follow()
        except GhostpyError as error:
            self._handover.fail(error)
        except Exception as error:
            log.exception("the change stream's thread failed")
            self._handover.fail(
                StreamLost(f"following {self._followed.source} failed: {type(error).__name__}: {error}")
            )

    def _follow(self) -> None:
        failures = 0
        connected_once = False
        while not self._stopping.is_set():
            before = self._decoder.transactions, self._place.order
            try:
                self._server_id = self._server_id or free_server_id(self._settings, fixed=self._fixed_id)
                self._connect()
                connected_once = True
                self._read()
                return
            except ServerEnded as error:
                self._judge(error)
                lost: GhostpyError = error
            except ConnectionFailed as error:
                if not connected_once:
                    raise
                lost = error
            finally:
                self._disconnect()
            if (self._decoder.transactions, self._place.order) != before:
                failures = 0
            failures += 1
            limit = self._settings.stream_reconnect_attempts
            if limit and failures > limit and not self._stopping.is_set():
                raise ServerGone(f"{lost.message}; not to be had again in {limit} attempts") from lost
            delay = min(_FIRST_DELAY * 2 ** min(failures - 1, 10), _LONGEST_DELAY)
            log.info("%s; connecting again in %.1f s at %s", lost.message, delay, self._place.position())
            self._stopping.wait(delay)

    def asked_for(self) -> BinlogPlace:
        """Where the server is asked to begin, the next time."""
        if self._with_gtids:
            return replace(self._place, gtids=self._decoder.executed_gtids())
        if self._by_domains:
            # A file's beginning is told first, which lies before what is asked for, and transactions of another domain may be shown before that.
            return replace(self._place, file="", offset=0)
        return self._place

    def _connect(self) -> None:
        dump = Dump(self._settings, server_id=self._server_id, uuid=self._uuid)
        dump.open(self.asked_for())
        self._decoder.restart(checksums=dump.checksums)
        with self._lock:
            self._dump = dump

    def _disconnect(self) -> None:
        with self._lock:
            dump, self._dump = self._dump, None
        if dump is not None:
            dump.close()

    def _read(self) -> None:
        dump = self._dump
        assert dump is not None
        decoder = self._decoder
        while not self._stopping.is_set():
            data = dump.receive()
            try:
                for _ in decoder.feed(data):
                    self._publish()
            except GhostpyError:
                if decoder.has_news:
                    self._publish()
                raise
            if len(data) < _LITTLE:
                time.sleep(BREATH)

    def _publish(self) -> None:
        decoder = self._decoder
        if self._by_domains and not decoder.found:
            # A file begins before it turns out that the transaction is in none.
            return
        gtids = decoder.take_gtids()
        if decoder.file != self._place.file or decoder.offset != self._place.offset:
            self._place = replace(
                self._place,
                file=decoder.file,
                offset=decoder.offset,
                gtids=decoder.executed_gtids().copy() if self._with_gtids else None,
                domains=None if self._place.domains is None else decoder.domain_gtids(),
            )
        keys, events = decoder.take_keys()
        self._handover.put(News(keys, events, gtids, self._place, decoder.heartbeat, decoder.take_xa_ended()))

    def _judge(self, error: ServerEnded) -> None:
        """Raise what trying again cannot mend."""
        if error.number in _DENIED:
            raise MissingPrivilege(error.message) from error
        if error.number != _NOT_IN_BINLOG:
            return
        if _KICKED_TEXT not in error.message:
            raise StreamLost(f"{error.message}, at {self._place.position()}") from error
        self._kicks += 1
        if self._kicks > _KICKS:
            raise StreamLost(
                f"another client registers as a replica under the server id {self._server_id} again and again: "
                f"{error.message}",
                hint="Give this run a server id of its own (--replica-server-id).",
            ) from error
        if not self._fixed_id:
            self._server_id = random.randrange(1 << 20, 1 << 32)
            self._uuid = str(uuid.uuid4())
