"""What the thread that follows a slot asks of the two ways to read from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import psycopg
from msgspec import Struct

from ghostpy.dialects.postgres.driver_errors import connect_error
from ghostpy.dialects.postgres.session import OUTPUT, conninfo
from ghostpy.settings import ConnectSettings


class Received(Struct, frozen=True):
    """Messages in order. `end`: all transactions that commit before it were received, where the server said so."""

    messages: Sequence[bytes]
    end: int | None = None


class Reader(Protocol):
    """One connection that reads from a slot. Blocking; of one thread, but for `interrupt`. `base`: see `Decoder`."""

    base: int

    @property
    def pid(self) -> int:
        """The server process of the connection; 0 before it was made."""

    def open(self, start: int, *, confirmed: int) -> int:
        """Begin at `start`; a transaction id of the present. `confirmed`: the furthest place that was ever confirmed.

        Raises StreamLost where the slot is gone or is not ours any more, ConnectionFailed where trying again may help.
        """

    def receive(self) -> Received:
        """What comes next; waits for it, but never longer than about half a second. Raises ServerGone, StreamLost."""

    def confirm(self, lsn: int) -> None:
        """All before `lsn` is not needed any more; also keeps the connection alive. To be called every second."""

    def interrupt(self) -> None:
        """Make `receive` and `confirm` on another thread end soon. Never raises."""

    def close(self) -> None:
        """Give the connection up. Never raises."""


class SlotAddress(Struct, frozen=True):
    """Where a slot is. `time_zone`: in which sessions write times, so that keys read the same everywhere."""

    settings: ConnectSettings
    name: str
    time_zone: str

    def connect(self, *, purpose: str, **more: Any) -> psycopg.Connection[tuple[Any, ...]]:
        """A connection whose values read as those of sessions do. Raises ConnectionFailed."""
        text = conninfo(self.settings, purpose=purpose, options=self._options(), **more)
        try:
            return psycopg.connect(text, autocommit=True, prepare_threshold=None)
        except psycopg.Error as error:
            raise connect_error(error, address=self.settings.address) from error

    def _options(self) -> Mapping[str, str]:
        none = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
        return {
            **OUTPUT,
            "TimeZone": self.time_zone,
            **dict.fromkeys(none, "0"),
            "default_transaction_isolation": "read committed",
            "default_transaction_read_only": "off",
            "standard_conforming_strings": "on",
            "synchronous_commit": "local",
        }
