"""What operators of a run are given to work on."""

from __future__ import annotations

import socket
from datetime import datetime

from ghostpy.control.desk import MIGRATION, Desk, Kind
from ghostpy.control.steering import Steering
from ghostpy.model.plan import Plan, Strategy
from ghostpy.observe.status_line import RunFacts
from ghostpy.protocols import Observer, Server
from ghostpy.settings import MigrateSettings


def desk_of(
    dialect: Server,
    plan: Plan,
    steering: Steering,
    settings: MigrateSettings,
    observer: Observer,
    kind: Kind = MIGRATION,
) -> Desk:
    """The desk of a run that is about to begin."""
    facts = RunFacts(
        source=plan.source.name,
        shadow=plan.names.shadow,
        address=dialect.address,
        executing_host=socket.gethostname(),
        started=datetime.now().astimezone(),
        keys_per_resync=settings.copy.resync_keys,
        nice_ratio=settings.copy.nice_ratio,
        in_place=plan.strategy is Strategy.BACKFILL,
    )
    return Desk(
        steering=steering,
        facts=facts,
        version=dialect.version,
        tell=observer.happened,
        must_name_cut_over=settings.control.named_cut_over,
        must_name_panic=settings.control.named_panic,
        kind=kind,
    )
