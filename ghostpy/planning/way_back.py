"""How each step of a plan is taken back, and what is lost by that."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ghostpy.errors import GhostpyError
from ghostpy.model.advice import WayBack
from ghostpy.model.names import TableName
from ghostpy.model.plan import Plan, Strategy
from ghostpy.planning.outcome import Does, steps_of
from ghostpy.planning.postgres_alter import parse_alter
from ghostpy.planning.postgres_clauses import Clause, Kind
from ghostpy.settings import MigrateSettings

_NOTHING = "nothing"
_AGAIN = "nothing that is stored; rows written since may stand against it"
_BACKUP = "from a backup only"
_WRITTEN = "what was written to it since"
_VALUES = "its values: they are gone once it is dropped"
_ROUNDED = "what the new type has rounded or cut stays so; values that the old type cannot hold stop the way back"
_OTHER = ("the opposite clause, by the definition as it is now", "not known: look at the clause")

_POSTGRES: dict[Kind, tuple[str, str]] = {
    Kind.ADD_COLUMN: ("DROP COLUMN", _WRITTEN),
    Kind.DROP_COLUMN: (f"ADD COLUMN, and its values {_BACKUP}", _VALUES),
    Kind.ALTER_TYPE: ("ALTER COLUMN … TYPE the former one", _ROUNDED),
    Kind.SET_NOT_NULL: ("DROP NOT NULL", _NOTHING),
    Kind.DROP_NOT_NULL: ("SET NOT NULL", _AGAIN),
    Kind.SET_DEFAULT: ("SET DEFAULT the former one, or DROP DEFAULT", "nothing; rows inserted since keep their values"),
    Kind.DROP_DEFAULT: ("SET DEFAULT the former one", "nothing; rows inserted since keep their values"),
    **dict.fromkeys(
        (Kind.ADD_CHECK, Kind.ADD_FOREIGN_KEY, Kind.ADD_UNIQUE, Kind.ADD_PRIMARY_KEY, Kind.ADD_EXCLUDE),
        ("DROP CONSTRAINT", _NOTHING),
    ),
    Kind.ADD_NOT_NULL: ("DROP CONSTRAINT", _NOTHING),
    Kind.DROP_CONSTRAINT: ("ADD CONSTRAINT … NOT VALID, then VALIDATE", _AGAIN),
    Kind.CREATE_INDEX: ("DROP INDEX CONCURRENTLY", _NOTHING),
    Kind.DROP_INDEX: ("CREATE INDEX CONCURRENTLY", _AGAIN),
    Kind.VALIDATE: ("nothing to take back", _NOTHING),
    Kind.RENAME_COLUMN: ("RENAME COLUMN back", _NOTHING),
    Kind.RENAME_CONSTRAINT: ("RENAME CONSTRAINT back", _NOTHING),
    Kind.RENAME_TABLE: ("RENAME back", _NOTHING),
    Kind.SET_SCHEMA: ("SET SCHEMA back", _NOTHING),
    Kind.COMMENT: ("COMMENT with the former text", _NOTHING),
}
_MYSQL: dict[Does, tuple[str, str]] = {
    Does.ADD_COLUMN: ("DROP COLUMN", _WRITTEN),
    Does.DROP_COLUMN: (f"ADD COLUMN, and its values {_BACKUP}", _VALUES),
    Does.RENAME_COLUMN: ("RENAME COLUMN back", _NOTHING),
    Does.ADD_INDEX: ("DROP INDEX", _NOTHING),
    Does.DROP_INDEX: ("ADD INDEX", _AGAIN),
    Does.RENAME_INDEX: ("RENAME INDEX back", _NOTHING),
    Does.ADD_PRIMARY: ("DROP PRIMARY KEY", _NOTHING),
    Does.DROP_PRIMARY: ("ADD PRIMARY KEY", _AGAIN),
    Does.AGAIN: ("MODIFY to the former definition", _ROUNDED),
}


def ways_back(plan: Plan, settings: MigrateSettings, quoted: Callable[[TableName], str]) -> tuple[WayBack, ...]:
    """For each step that changes something. `quoted`: a table's name in SQL."""
    match plan.strategy:
        case Strategy.SHADOW:
            return tuple(_by_shadow(plan, settings, quoted))
        case Strategy.INSTANT | Strategy.STAGED:
            clauses = _clauses(plan.alter, settings.connect.dialect)
            return tuple(WayBack(step, *way) for step, way in clauses)
    return ()


def _by_shadow(plan: Plan, settings: MigrateSettings, quoted: Callable[[TableName], str]) -> Iterator[WayBack]:
    source, old = plan.source.name, plan.names.old
    yield WayBack(
        "copy and compare",
        "end the run (Ctrl-C); what a killed one leaves goes by `ghostpy cleanup --execute`",
        "nothing: the table is untouched until the exchange",
    )
    if settings.revert.possible:
        yield WayBack(
            "exchange the names",
            f"ghostpy revert --table {source.table} --execute",
            "no write; what it cannot bring back is among the findings (revert-…)",
        )
    elif settings.target.ok_to_drop_old:
        yield WayBack("exchange the names, drop the old table", _BACKUP, f"the old rows, {_dropped(plan)}")
    else:
        yield WayBack("exchange the names", _by_hand(plan, settings, quoted), "every write made since the exchange")
        yield WayBack(
            f"drop {old}, whenever you do",
            _BACKUP,
            f"the old rows, {_dropped(plan)}",
        )


def _dropped(plan: Plan) -> str:
    names = ", ".join(column.name for column in plan.columns.dropped)
    return f"with the values of {names}" if names else "all of whose values are in the new table"


def _by_hand(plan: Plan, settings: MigrateSettings, quoted: Callable[[TableName], str]) -> str:
    better = "With --keep-revertible or --revert-window `ghostpy revert` goes back and loses no write"
    if settings.connect.dialect == "postgres":
        return f"by hand, together with all that hangs on the table (views, foreign keys, sequences). {better}"
    source, old, shadow = (quoted(name) for name in (plan.source.name, plan.names.old, plan.names.shadow))
    return f"RENAME TABLE {source} TO {shadow}, {old} TO {source}. {better}"


def _clauses(alter: str, dialect: str) -> Iterator[tuple[str, tuple[str, str]]]:
    if dialect == "postgres":
        try:
            clauses: tuple[Clause, ...] = tuple(parse_alter(alter).clauses)
        except GhostpyError:  # what the planner took is taken here; but a plan never fails for its advice
            clauses = ()
        for clause in clauses:
            yield " ".join(clause.text.split()), _POSTGRES.get(clause.kind, _OTHER)
        return
    steps = steps_of(alter)
    if steps is None:
        yield " ".join(alter.split()), _OTHER
        return
    for step in steps:
        what = "the rest of the ALTER" if step.does is Does.AGAIN else f"{step.does.value} {step.name}".rstrip()
        yield what, _MYSQL[step.does]
