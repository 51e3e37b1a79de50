"""What one plan comes down to on the server: the statements of each step, found when the plan was made."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from ghostpy.dialects.postgres import quote
from ghostpy.dialects.postgres.clone.clone import Altered
from ghostpy.dialects.postgres.dependants.dependants import Dependants
from ghostpy.dialects.postgres.in_place.steps import Step
from ghostpy.planning.postgres_partitions import Partitioning


class Work(Struct, frozen=True):
    """`fingerprint`: what the source must still be at the exchange. `alters`: the user's statements for the clone. `steps`: those on the source itself."""

    oid: int
    fingerprint: str
    alters: Sequence[str]
    dependants: Dependants | None = None
    altered: Altered | None = None
    steps: Sequence[Step] = ()
    partitioning: Partitioning | None = None

    @property
    def by_shadow(self) -> tuple[Altered, Dependants]:
        """What only a plan with a shadow has."""
        assert self.altered is not None
        assert self.dependants is not None
        return self.altered, self.dependants

    @property
    def locks(self) -> Sequence[str]:
        """Statements that lock everything that the exchange touches beside the source, in one order for all runs."""
        altered, dependants = self.by_shadow
        # DROP CONSTRAINT of a foreign key, here the old table's, takes the stronger lock on the parent, ADD CONSTRAINT the weaker.
        modes = dict.fromkeys(altered.foreign_parents, "ACCESS EXCLUSIVE")
        modes |= dict.fromkeys(altered.new_foreign_parents, "SHARE ROW EXCLUSIVE")
        parents = sorted(modes, key=lambda name: (name.schema, name.table))
        return (
            *(f"LOCK TABLE {quote.table(parent)} IN {modes[parent]} MODE" for parent in parents),
            *dependants.locks,
        )
