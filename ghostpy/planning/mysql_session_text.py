"""What a SET of a script may set, on MySQL and MariaDB: what holds for this session, and does no harm to others."""

from __future__ import annotations

from collections.abc import Sequence

from ghostpy.model.finding import Finding
from ghostpy.planning import script_findings as against
from ghostpy.planning.alter import Reader, split_clauses
from ghostpy.planning.sql_tokens import Token, TokenKind

_TAKEN = frozenset(
    {"foreign_key_checks", "unique_checks", "sql_notes", "sql_mode", "time_zone", "character_set_client"}
    | {"character_set_results", "character_set_connection", "collation_connection", "sql_safe_updates"}
    | {"innodb_lock_wait_timeout", "default_storage_engine", "storage_engine", "sql_quote_show_create"}
    | {"explicit_defaults_for_timestamp", "group_concat_max_len", "sql_require_primary_key", "innodb_strict_mode"}
    | {"cte_max_recursion_depth", "information_schema_stats_expiry", "character_set_database", "names", "lock_wait_timeout"}
)  # fmt: skip
_READS_ANOTHER_WAY = ("NO_BACKSLASH_ESCAPES", "ANSI")


def set_findings(tokens: Sequence[Token]) -> list[Finding]:
    """What stands against a SET statement."""
    reader = Reader(tokens)
    reader.take("SET")
    if reader.sees("NAMES", "CHARSET") or reader.take("CHARACTER", "SET"):
        return []
    if reader.sees("TRANSACTION"):
        return [against.transaction_control("SET TRANSACTION")]
    if reader.sees("PASSWORD", "ROLE", "DEFAULT", "RESOURCE", "STATEMENT"):
        return [against.server_wide("SET")]
    return [finding for clause in split_clauses(reader.rest()) for finding in _of_one(Reader(clause), clause)]


def _of_one(reader: Reader, clause: Sequence[Token]) -> list[Finding]:
    signs = 0
    while reader.take_symbol("@"):
        signs += 1
    if signs == 1:
        return []  # a variable of the script's own
    word = reader.peek()
    what = f"SET {''.join(token.text for token in clause[:5])}"
    if word is not None and word.is_word("GLOBAL", "PERSIST", "PERSIST_ONLY"):
        return [against.server_wide(what)]
    if word is not None and word.is_word("SESSION", "LOCAL"):
        reader.name()
        reader.take_symbol(".")
        if reader.sees("TRANSACTION"):
            return [against.transaction_control(what)]
    name = (reader.name() or "").lower()
    if name in ("autocommit", "transaction_isolation", "tx_isolation", "completion_type"):
        return [against.transaction_control(what)]
    if name not in _TAKEN:
        return [against.unknown(what, "sets what ghostpy does not know to be harmless")]
    values = " ".join(token.text.upper() for token in clause if token.kind is not TokenKind.SYMBOL)
    if name == "sql_mode" and any(mode in values for mode in _READS_ANOTHER_WAY):
        return [
            against.unknown(
                what, "makes the server read quotes and backslashes in another way than this script was read"
            )
        ]
    return []
