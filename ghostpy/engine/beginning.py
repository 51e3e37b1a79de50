"""How a run comes to follow its source: from now on, or from where an earlier one was."""

from __future__ import annotations

from ghostpy.engine.backlog import Backlog
from ghostpy.engine.follower import Follower
from ghostpy.engine.retry import retried
from ghostpy.errors import CannotResume, StreamLost
from ghostpy.model.checkpoint import Checkpoint
from ghostpy.protocols import Copying


class Beginning:
    """`earlier`: what a run that ended has left, or None."""

    def __init__(
        self, follower: Follower, backlog: Backlog, copying: Copying, earlier: Checkpoint | None, attempts: int
    ) -> None:
        self._follower = follower
        self._backlog = backlog
        self._copying = copying
        self._earlier = earlier
        self._attempts = attempts

    async def run(self) -> None:
        """Open the stream. Raises CannotResume where it does not reach back as far as the earlier run was."""
        stream, earlier = self._follower.stream, self._earlier
        if earlier is None:
            await stream.open(await stream.start())
            return
        try:
            await stream.open(await stream.resumed(earlier.position))
        except StreamLost as error:
            raise CannotResume(
                f"the change stream does not reach back to where the earlier run was: {error.message}"
            ) from error
        if not earlier.course.copied:
            # Chunks that were copied behind the checkpoint will be copied again. Changes of their rows are not looked for up there.
            assert earlier.course.low is not None
            await retried(self._attempts, self._copying.cut, earlier.course.low)
        self._backlog.add(earlier.keys)
