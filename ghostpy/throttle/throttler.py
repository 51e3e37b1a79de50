"""The gate: open while no signal gives a reason to rest."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from datetime import UTC, datetime

from ghostpy.errors import GhostpyError
from ghostpy.model.standing import Standing
from ghostpy.protocols import Vitals
from ghostpy.settings import ThrottleSettings
from ghostpy.throttle import windows
from ghostpy.throttle.deadlines import WINDOW
from ghostpy.throttle.hibernation import Hibernation
from ghostpy.throttle.replica_lag import LEAST_MILLIS, addresses
from ghostpy.throttle.signals import Signals
from ghostpy.throttle.watch import Watch

COMMANDED = "commanded by user"
_POLL = 0.05
_LIMIT_EVERY, _LIMIT_PATIENCE = 10.0, 5.0


def _now() -> datetime:
    return datetime.now(UTC)


class Throttler:
    """Fulfils `Gate`. Closed until every signal that is asked for has answered once.

    `tell` gets what is worth a line in the log; `stop` is asked to end the run at the deadline. Setters raise UsageError where a text
    cannot be read, and then change nothing; what they set holds at once. Readers give what was set, as it is shown.
    """

    def __init__(
        self,
        settings: ThrottleSettings,
        vitals: Vitals,
        *,
        tell: Callable[[str], None],
        stop: Callable[[GhostpyError], None],
        now: Callable[[], datetime] = _now,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self.commanded = False
        """An operator wants the run to rest."""
        self._vitals = vitals
        self._hibernation = Hibernation(now, elapsed)
        self._signals = Signals.of(settings, vitals, self._hibernate, tell, stop, now, elapsed)
        self._looked = asyncio.Event()
        self._watches = {
            name: Watch(signal, self._sleeping, self._looked.set) for name, signal in self._signals.in_order().items()
        }
        self._pause_limit: float | None = None

    # --- the gate --------------------------------------------------------------------------------------------------

    @property
    def reason(self) -> str | None:
        """The first there is: hibernation, panic file, critical load, command, window, files, load, query, address, lag."""
        if self._hibernation.reason:
            return self._hibernation.reason
        for name, watch in self._watches.items():
            if self.commanded and name == Signals.AFTER_COMMAND:
                return COMMANDED
            if watch.reason:
                return watch.reason
        return next((f"waiting for {watch.signal.name}" for watch in self._watches.values() if watch.waiting), None)

    @property
    def hibernating(self) -> bool:
        return self._hibernation.under_way

    async def opened(self) -> None:
        while self.reason:
            # A signal's answer is seen at once; what else may open the gate, an operator or the end of hibernation, soon.
            self._looked.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_POLL):
                    await self._looked.wait()

    async def run(self) -> None:
        """Look at the signals until cancelled. Raises what must end the run: CriticalLoad, Panicked."""
        async with asyncio.TaskGroup() as group:
            for name, watch in self._watches.items():
                group.create_task(watch.run(), name=f"throttle: {name}")
            group.create_task(self._leave_hibernation(), name="throttle: hibernation")
            group.create_task(self._look_at_limit(), name="throttle: pause limit")

    @property
    def standing(self) -> Standing:
        flag, additional, lag = self._signals.flag, self._signals.additional_flag, self._signals.lag
        return Standing(
            max_lag_millis=self.max_lag_millis,
            max_load=self.max_load,
            critical_load=self.critical_load,
            control_replicas=self.control_replicas,
            query=self.query,
            http=self.http,
            flag_file=str(flag.path or ""),
            flag_file_there=flag.there,
            additional_flag_file=str(additional.path or ""),
            additional_flag_file_there=additional.there,
            panic_flag_file=str(self._signals.panic.path or ""),
            window=self.window,
            deadline=self.deadline,
            lag=lag.worst,
            replicas=lag.watched,
            pause_limit=self._pause_limit,
        )

    # --- read and set while it runs ----------------------------------------------------------------------------------

    @property
    def max_load(self) -> str:
        return self._signals.max_load.text

    def set_max_load(self, text: str) -> None:
        """`figure=threshold,…`; empty: none."""
        self._signals.max_load.text = text
        self._watches["max-load"].anew()

    @property
    def critical_load(self) -> str:
        return self._signals.critical.text

    def set_critical_load(self, text: str) -> None:
        """`figure=threshold,…`; empty: none."""
        self._signals.critical.text = text
        self._watches["critical-load"].anew()

    @property
    def max_lag_millis(self) -> int:
        return self._signals.lag.millis

    def set_max_lag_millis(self, millis: int) -> None:
        """At least 100; less is taken for that."""
        self._signals.lag.millis = max(millis, LEAST_MILLIS)
        self._watches["lag"].anew()

    @property
    def control_replicas(self) -> str:
        return ",".join(self._signals.lag.listed)

    def set_control_replicas(self, text: str) -> None:
        """`host[:port],…`; empty: those that are found."""
        self._signals.lag.listed = addresses(text)
        self._watches["lag"].anew()

    @property
    def query(self) -> str:
        return self._signals.query.sql

    def set_query(self, sql: str) -> None:
        """Empty: none."""
        self._signals.query.sql = sql.strip()
        self._watches["throttle-query"].anew()

    @property
    def http(self) -> str:
        return self._signals.http.url

    def set_http(self, url: str) -> None:
        """Empty: none."""
        self._signals.http.url = url
        self._watches["throttle-http"].anew()

    @property
    def window(self) -> str:
        return self._signals.window.text

    def set_window(self, text: str) -> None:
        """`[days] HH:MM-HH:MM [zone],…`; empty: always. A deadline at the window's end moves with it."""
        window, deadline = windows.parsed(text), self._signals.deadline
        if deadline.text == WINDOW:
            deadline.set(WINDOW, window)
        self._signals.window.windows = window
        self._watches["window"].anew()

    @property
    def deadline(self) -> str:
        return self._signals.deadline.text

    def set_deadline(self, text: str) -> None:
        """A time, a duration from now, or `window`; empty: none."""
        self._signals.deadline.set(text, self._signals.window.windows)

    # --- inside ----------------------------------------------------------------------------------------------------

    def _hibernate(self, seconds: float) -> None:
        self._hibernation.begin(seconds)
        for watch in self._watches.values():
            watch.anew()

    def _sleeping(self) -> bool:
        return self._hibernation.under_way

    async def _leave_hibernation(self) -> None:
        while True:
            await asyncio.sleep(_POLL)
            if self._hibernation.left and not any(watch.waiting for watch in self._watches.values()):
                self._hibernation.forget()

    async def _look_at_limit(self) -> None:
        while True:
            if not self.hibernating:
                try:
                    async with asyncio.timeout(_LIMIT_PATIENCE):
                        self._pause_limit = await self._vitals.pause_limit()
                except (GhostpyError, TimeoutError):
                    self._pause_limit = None
            await asyncio.sleep(_LIMIT_EVERY)
