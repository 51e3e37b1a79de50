"""Which lock a clause takes on its table, and whom that keeps waiting. PostgreSQL manual, "ALTER TABLE" and "Explicit Locking".

The server is asked before (`lock_asking`); this is for what it cannot be asked, and a test measures every form on 14 to 18.
"""

from __future__ import annotations

from collections.abc import Iterable

from ghostpy.model.planned_step import Blocks
from ghostpy.planning.postgres_clauses import Clause, Kind
from ghostpy.planning.postgres_tokens import Token, split, tokenize

ACCESS_EXCLUSIVE = "ACCESS EXCLUSIVE"
EXCLUSIVE = "EXCLUSIVE"
SHARE_ROW_EXCLUSIVE = "SHARE ROW EXCLUSIVE"
SHARE = "SHARE"
SHARE_UPDATE_EXCLUSIVE = "SHARE UPDATE EXCLUSIVE"
ROW_EXCLUSIVE = "ROW EXCLUSIVE"
ROW_SHARE = "ROW SHARE"
ACCESS_SHARE = "ACCESS SHARE"
_BY_STRENGTH = (
    "",
    ACCESS_SHARE,
    ROW_SHARE,
    ROW_EXCLUSIVE,
    SHARE_UPDATE_EXCLUSIVE,
    SHARE,
    SHARE_ROW_EXCLUSIVE,
    EXCLUSIVE,
    ACCESS_EXCLUSIVE,
)

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


def strongest(modes: Iterable[str]) -> str:
    """The strongest of these modes; empty where there is none."""
    return max(modes, key=_BY_STRENGTH.index, default="")


def words_of(mode: str) -> str:
    """`AccessExclusiveLock`, of pg_locks, as the manual writes it: ACCESS EXCLUSIVE."""
    letters = mode.removesuffix("Lock")
    return "".join(f" {letter}" if letter.isupper() else letter for letter in letters).strip().upper()


def blocks(mode: str) -> Blocks:
    """Who waits for a lock of this mode: writers hold ROW EXCLUSIVE, readers ACCESS SHARE."""
    if mode == ACCESS_EXCLUSIVE:
        return Blocks.ALL
    return Blocks.WRITERS if _BY_STRENGTH.index(mode) >= _BY_STRENGTH.index(SHARE) else Blocks.NONE


def lock_of(clauses: Iterable[Clause]) -> str:
    """The strongest lock that these clauses take on their table."""
    return strongest([SHARE_UPDATE_EXCLUSIVE, *(_lock(clause) for clause in clauses)])


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
