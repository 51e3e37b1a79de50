"""How the server fares, who lets a run work, and who watches it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from ghostpy.model.disk import Disk
from ghostpy.model.moment import Moment
from ghostpy.model.plan import Plan
from ghostpy.model.progress import Progress, RunReport
from ghostpy.model.standing import Standing
from ghostpy.settings import ThrottleSettings


class Vitals(Protocol):
    """How the server and its replicas fare. Each kind of question has a session of its own, which is made anew when it is lost.

    Questions may be cancelled at any time. They raise what a statement raises, and UsageError where there is no such figure.
    """

    async def open(self, settings: ThrottleSettings) -> None:
        """Make the sessions that the signals asked for will need: without one, the gate would stay closed for good.

        Raises ConnectionFailed, and what a look for replicas raises.
        """

    async def figure(self, name: str) -> float:
        """One of the server's own figures, by its name."""

    @property
    def burdens(self) -> Mapping[str, float]:
        """Figures that tell how much old versions of rows pile up, and by how much each may grow in a run before people are told."""

    async def disk(self) -> Disk | None:
        """The disk that the server's tables are on; None where it cannot be seen, as from another machine."""

    async def asked(self, sql: str) -> float:
        """The number that a user's own query gives."""

    async def own_lag(self) -> float | None:
        """Seconds that the server worked on is behind its own primary; None where it is one."""

    async def replicas(self) -> Sequence[str]:
        """The replicas that follow the server now, as far as it tells: names that `lag` takes."""

    async def lag(self, replica: str) -> float:
        """Seconds that a replica is behind. `replica`: one that was found, or `host[:port]`, reached with the run's own account."""

    async def pause_limit(self) -> float | None:
        """Seconds until the server removes what a run that ends now would go on from; None without a limit that it tells of."""

    async def close(self) -> None:
        """End all sessions. Never raises."""


class Gate(Protocol):
    """Whether the run may work now. Asked before every piece of work but those under the cut-over's lock."""

    @property
    def reason(self) -> str | None:
        """Why the run must rest, in a few words; None while it may work."""

    @property
    def hibernating(self) -> bool:
        """Whether not even a heartbeat may be written."""

    @property
    def standing(self) -> Standing:
        """What it goes by, and what it found."""

    async def opened(self) -> None:
        """Return once there is no reason to rest; at once where there is none."""


class Moments(Protocol):
    """Lets somebody outside act at a moment of the run, and veto it."""

    async def reached(self, moment: Moment, detail: str = "") -> None:
        """Return when all is done that is to be done then. `detail`: what happened, where the moment's name does not say it.

        Raises HookFailed where the run must not go on; whether a failure counts for that much depends on the moment.
        """


class Observer(Protocol):
    """Is told what happens; must return at once and must not raise."""

    def planned(self, plan: Plan, definition: str) -> None:
        """It is decided what is done. `definition`: the source as SQL text before that, or nothing where it could not be asked for."""

    def progressed(self, progress: Progress) -> None:
        """A snapshot, several times a second."""

    def happened(self, text: str, *, warning: bool = False) -> None:
        """Something worth a line in the log."""

    def ended(self, report: RunReport) -> None:
        """The run ended well."""
