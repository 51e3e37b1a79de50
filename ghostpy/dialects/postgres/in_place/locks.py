"""Which lock a clause takes on its table: what the plan tells. PostgreSQL manual, "ALTER TABLE", and measured on 14 to 18."""

from __future__ import annotations

from collections.abc import Iterable

from ghostpy.planning.postgres_clauses import Clause, Kind
from ghostpy.planning.postgres_tokens import Token, split, tokenize

ACCESS_EXCLUSIVE = "ACCESS EXCLUSIVE"
SHARE_ROW_EXCLUSIVE = "SHARE ROW EXCLUSIVE"
SHARE_UPDATE_EXCLUSIVE = "SHARE UPDATE EXCLUSIVE"
_BY_STRENGTH = (SHARE_UPDATE_EXCLUSIVE, SHARE_ROW_EXCLUSIVE, ACCESS_EXCLUSIVE)

_LOCKS = {
    Kind.VALIDATE: SHARE_UPDATE_EXCLUSIVE,
    Kind.SET_STATISTICS: SHARE_UPDATE_EXCLUSIVE,
    Kind.COLUMN_OPTIONS: SHARE_UPDATE_EXCLUSIVE,
    Kind.CLUSTER: SHARE_UPDATE_EXCLUSIVE,
    Kind.COMMENT: SHARE_UPDATE_EXCLUSIVE,
    Kind.ADD_FOREIGN_KEY: SHARE_ROW_EXCLUSIVE,
    Kind.TRIGGER: SHARE_ROW_EXCLUSIVE,
}
_WEAK_OPTIONS = ("AUTOVACUUM", "FILLFACTOR", "LOG_AUTOVACUUM", "PARALLEL_WORKERS", "TOAST_TUPLE_TARGET", "VACUUM")


def lock_of(clauses: Iterable[Clause]) -> str:
    """The strongest lock that these clauses take on their table."""
    return max((_lock(clause) for clause in clauses), key=_BY_STRENGTH.index, default=SHARE_UPDATE_EXCLUSIVE)


def _lock(clause: Clause) -> str:
    if clause.kind is Kind.TABLE_OPTIONS and _only_weak_options(clause.text):
        return SHARE_UPDATE_EXCLUSIVE
    return _LOCKS.get(clause.kind, ACCESS_EXCLUSIVE)


def _only_weak_options(text: str) -> bool:
    """Whether the names in `SET (name = value, …)` are all of options that take the weak lock ("CREATE TABLE": Storage Parameters)."""
    tokens = tokenize(text, "options")
    inside = [Token(token.kind, token.text, token.start, token.depth - 1) for token in tokens[2:-1]]
    # The last word left of the equals sign: `toast.` may stand before it.
    names = [split(option, "=")[0][-1:] for option in split(inside, ",")]
    return all(name and (name[0].name or "").upper().startswith(_WEAK_OPTIONS) for name in names)
