"""What a SET of a script may set, on PostgreSQL: what holds for this session, and leaves how texts are read as it is."""

from __future__ import annotations

from collections.abc import Sequence

from ghostpy.model.finding import Finding
from ghostpy.planning import script_findings as against
from ghostpy.planning.postgres_clauses import Reader
from ghostpy.planning.postgres_tokens import Token

_TAKEN = frozenset(
    {"search_path", "statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "transaction_timeout"}
    | {"check_function_bodies", "xmloption", "client_min_messages", "row_security", "default_tablespace", "timezone"}
    | {"default_table_access_method", "default_toast_compression", "default_with_oids", "work_mem"}
    | {"maintenance_work_mem", "datestyle", "intervalstyle", "time", "default_text_search_config"}
)
_ONLY = {
    "standard_conforming_strings": ("on", "true"),
    "client_encoding": ("utf8", "utf-8", "unicode"),
    "names": ("utf8", "utf-8"),
}
_LIMITS = ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout", "transaction_timeout")


def set_findings(tokens: Sequence[Token]) -> list[Finding]:
    """What stands against a SET or RESET."""
    reader = Reader(tokens)
    reader.take("SET") or reader.take("RESET")
    what = " ".join(token.text for token in tokens[:4])
    if reader.sees("TRANSACTION") or reader.sees("SESSION", "CHARACTERISTICS"):
        return [against.transaction_control(what)]
    if reader.sees("ROLE") or reader.sees("SESSION", "AUTHORIZATION"):
        return [against.server_wide(what)]
    local = reader.take("LOCAL")
    reader.take("SESSION")
    name = (reader.name() or "").lower()
    if local and name not in _LIMITS:
        return [against.unknown(what, "holds for one transaction, and ghostpy's are others; write SET instead")]
    if name in _ONLY:
        value = tokens[-1].text.strip("'\"").lower()
        return [] if value in _ONLY[name] else [against.unknown(what, "makes the server read texts in another way")]
    return [] if name in _TAKEN else [against.unknown(what, "sets what ghostpy does not know to be harmless")]
