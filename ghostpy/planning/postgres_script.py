"""What one statement of a script is about, to PostgreSQL; by its text alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from ghostpy.errors import UsageError
from ghostpy.model.finding import Finding
from ghostpy.model.script import Concern, Kind, Name, Statement, digest_of
from ghostpy.planning import script_findings as against
from ghostpy.planning.postgres_alter import parse_alter
from ghostpy.planning.postgres_clauses import Kind as Clauses
from ghostpy.planning.postgres_clauses import Reader
from ghostpy.planning.postgres_session_text import set_findings
from ghostpy.planning.postgres_tokens import Token, TokenKind, tokenize

_SERVER_WIDE = ("LOCK", "COPY", "LISTEN", "UNLISTEN", "NOTIFY", "LOAD", "DISCARD", "CHECKPOINT", "REASSIGN", "CLUSTER", "REINDEX")  # fmt: skip
_OPAQUE = ("CALL", "PREPARE", "EXECUTE", "DEALLOCATE", "DECLARE", "FETCH", "CLOSE", "MOVE")
_ROLLS = ("ROLLBACK", "ABORT", "SAVEPOINT", "RELEASE")
_ELSEWHERE = ("DATABASE", "ROLE", "USER", "GROUP", "TABLESPACE", "SUBSCRIPTION", "SERVER", "SYSTEM", "OWNED", "WRAPPER")
_OBJECTS = (
    *("TABLE", "VIEW", "INDEX", "SEQUENCE", "TYPE", "DOMAIN", "FUNCTION", "PROCEDURE", "ROUTINE", "AGGREGATE", "TRIGGER"),
    *("RULE", "POLICY", "SCHEMA", "EXTENSION", "STATISTICS", "COLLATION", "CAST", "OPERATOR", "LANGUAGE", "PUBLICATION"),
    *("CONVERSION", "CONFIGURATION", "DICTIONARY", "PARSER", "TEMPLATE", "PRIVILEGES", "TRANSFORM"),
)  # fmt: skip
_IN_FRONT = (
    *("UNLOGGED", "GLOBAL", "LOCAL", "MATERIALIZED", "RECURSIVE", "CONSTRAINT", "TRUSTED", "PROCEDURAL", "DEFAULT"),
    *("EVENT", "FOREIGN", "TEXT", "SEARCH", "UNIQUE", "LARGE", "DATA"),
)


def read(text: str) -> Statement:
    """Look at one statement. What stands against it is among its findings, and nothing is raised."""
    return _Reading(text, tokenize(text, "A statement")).read()


class _Reading:
    def __init__(self, text: str, tokens: Sequence[Token]) -> None:
        self._text = text
        self._tokens = tokens
        self._digest = digest_of([token.text for token in tokens])
        self._reader = Reader(tokens)

    def read(self) -> Statement:
        first = self._tokens[0]
        if any(token.kind is TokenKind.SYMBOL and token.text == "\\" for token in self._tokens):
            return self._refused(against.client_command)
        if any(one.is_word("BEGIN") and two.is_word("ATOMIC") for one, two in pairwise(self._tokens)):
            return self._refused(against.compound)
        if first.is_word(*_SERVER_WIDE):
            return self._refused(against.server_wide)
        if first.is_word(*_OPAQUE):
            opaque = not (first.is_word("PREPARE") and self._tokens[1:2] and self._tokens[1].is_word("TRANSACTION"))
            return self._refused(against.opaque if opaque else against.transaction_control, alone=True)
        if first.is_word(*_ROLLS):
            return self._refused(against.transaction_control)
        word = first.text.upper()
        if first.kind is not TokenKind.WORD or word not in _READS:
            return self._refused(against.unknown)
        self._reader.take(word)
        return _READS[word](self)

    # --- results -----------------------------------------------------------------------------------------------------

    @property
    def _verb(self) -> str:
        words = []
        for token in self._tokens[:2]:
            if token.kind is not TokenKind.WORD:
                break
            words.append(token.text.upper())
        return " ".join(words) or self._text[:20]

    def _made(self, kind: Kind, *findings: Finding, verb: str = "", **more: Any) -> Statement:
        return Statement(0, self._text, kind, verb or self._verb, self._digest, findings=tuple(findings), **more)

    def _refused(self, why: Callable[[str], Finding], **more: Any) -> Statement:
        return self._made(Kind.OBJECT, why(self._verb), **more)

    def _has(self, *words: str, outside: bool = False) -> bool:
        return any(token.is_word(*words) and not (outside and token.depth) for token in self._tokens)

    def _names(self) -> tuple[Name, ...]:
        found: list[Name] = []
        while not found or self._reader.take_symbol(","):
            self._reader.take("ONLY")
            name = self._reader.dotted_name()
            if not name:
                return ()
            found.append(name)
        return tuple(found)

    def _object(self) -> tuple[str, str]:
        """Go past the words up to the kind of object: that kind, and the word in front of it; nothing where it is not known."""
        before = ""
        while (token := self._reader.peek()) is not None:
            word = token.text.upper()
            if token.is_word(*_ELSEWHERE):
                return word, before
            if not token.is_word(*_OBJECTS, *_IN_FRONT):
                return "", before
            self._reader.take(word)
            if token.is_word(*_OBJECTS):
                return word, before
            before = word
        return "", before

    # --- kinds of statements -----------------------------------------------------------------------------------------

    def alter(self) -> Statement:
        if self._reader.sees("TABLE"):
            return self._alter_table()
        kind, before = self._object()
        if kind in _ELSEWHERE or before == "FOREIGN":
            return self._refused(against.server_wide)
        if not kind:
            return self._refused(against.unknown)
        alone = kind == "TYPE" and self._has("VALUE", outside=True)
        name = () if self._reader.take("IF", "EXISTS") and kind == "PRIVILEGES" else self._reader.dotted_name()
        moves = kind in ("SCHEMA", "VIEW", "SEQUENCE") and self._has("RENAME", "SCHEMA", outside=True)
        return (
            self._made(
                Kind.OBJECT, verb=f"ALTER {before} {kind}".replace("  ", " "), alone=alone, moves=moves, table=()
            )
            if name or kind == "PRIVILEGES"
            else self._refused(against.unknown)
        )

    def _alter_table(self) -> Statement:
        try:
            parsed = parse_alter(self._text)
        except UsageError as error:
            return self._made(Kind.OBJECT, against.unknown("ALTER TABLE", f"cannot be read: {error.message}"))
        if self._has("CONCURRENTLY", outside=True) or parsed.partitioning is not None:
            return self._refused(against.unknown)
        table: Name = tuple(part for part in (parsed.schema, parsed.table) if part)
        dropped = [clause.column for clause in parsed.clauses if clause.kind is Clauses.DROP_COLUMN and clause.column]
        names = [token.name for token in self._tokens]
        return self._made(
            Kind.TABLE,
            verb="ALTER TABLE",
            table=table,
            alter=self._text,
            concerns=(Concern("TABLE", table),),
            moves=parsed.has(Clauses.RENAME_TABLE, Clauses.SET_SCHEMA),
            repeatable=not any(names.count(column) > 1 for column in dropped),
        )

    def create(self) -> Statement:
        self._reader.take("OR", "REPLACE")
        if self._reader.take("TEMP") or self._reader.take("TEMPORARY") or self._is_local_temporary():
            return self._refused(against.temporary)
        kind, before = self._object()
        if kind in _ELSEWHERE or (before == "DATA" or kind == "WRAPPER"):
            return self._refused(against.server_wide)
        if kind == "INDEX":
            return self._index("CREATE INDEX")
        if not kind:
            return self._refused(against.unknown)
        self._reader.take("IF", "NOT", "EXISTS")
        name = self._reader.dotted_name() if kind in ("TABLE", "VIEW", "SEQUENCE") else ()
        if kind in ("TABLE", "VIEW") and not name:
            return self._refused(against.unknown)
        filled = kind == "TABLE" and self._has("AS", outside=True)
        filled |= before == "MATERIALIZED" and not self._has("NO", outside=True)
        return self._made(
            Kind.FILLS if filled else Kind.OBJECT,
            verb=f"CREATE {before} {kind}".replace("  ", " "),
            makes=(name,) if kind in ("TABLE", "VIEW") else (),
            alone=filled,
        )

    def _is_local_temporary(self) -> bool:
        return any(self._reader.sees(scope, word) for scope in ("LOCAL", "GLOBAL") for word in ("TEMP", "TEMPORARY"))

    def _index(self, verb: str) -> Statement:
        try:
            parsed = parse_alter(self._text)
        except UsageError as error:
            return self._made(Kind.OBJECT, against.unknown(verb, f"cannot be read: {error.message}"))
        table: Name = tuple(part for part in (parsed.schema, parsed.table) if part and parsed.table)
        index: Name = ()
        if verb == "DROP INDEX":
            clause = parsed.clauses[0]
            index, table = (*clause.table, clause.name or ""), ()
        on = [place for place, token in enumerate(self._tokens) if token.is_word("ON")]
        front = self._tokens[: on[0]] if on and verb == "CREATE INDEX" else self._tokens
        return self._made(
            Kind.TABLE,
            verb=verb,
            table=table,
            index=index,
            alter=self._text,
            concerns=(Concern("TABLE", table),) if table else (),
            concurrently=any(token.is_word("CONCURRENTLY") for token in front),
        )

    def drop(self) -> Statement:
        kind, before = self._object()
        if kind in _ELSEWHERE or before in ("DATA",):
            return self._refused(against.server_wide)
        if kind == "INDEX":
            return self._index("DROP INDEX")
        if not kind:
            return self._refused(against.unknown)
        verb = f"DROP {before} {kind}".replace("  ", " ")
        if kind not in ("TABLE", "VIEW"):
            return self._made(Kind.OBJECT, verb=verb)
        self._reader.take("IF", "EXISTS")
        names = self._names()
        if not names:
            return self._refused(against.unknown)
        findings = [against.drops_rows(f"{verb} {'.'.join(name)}") for name in names] if kind == "TABLE" else []
        return self._made(Kind.OBJECT, *findings, verb=verb, concerns=tuple(Concern("TABLE", name) for name in names))

    def truncate(self) -> Statement:
        self._reader.take("TABLE")
        names = self._names()
        if not names:
            return self._refused(against.unknown)
        findings = [against.drops_rows(f"TRUNCATE {'.'.join(name)}") for name in names]
        concerns = tuple(Concern("TABLE", name) for name in names)
        return self._made(Kind.OBJECT, *findings, verb="TRUNCATE", concerns=concerns)

    def rows(self) -> Statement:
        verb = self._tokens[0].text.upper()
        if verb == "SELECT" and self._sets_the_session():
            return self._made(Kind.SESSION, verb="SELECT set_config")
        if verb in ("SELECT", "WITH") and self._has("INTO", outside=True) and not self._has("INSERT", "MERGE"):
            return self._made(Kind.OBJECT, against.unknown("SELECT INTO", "is written CREATE TABLE … AS here"))
        asks = verb != "INSERT" or self._has("SELECT", "WITH", "TABLE")
        for word in ("INTO", "FROM"):
            self._reader.take(word)
        self._reader.take("ONLY")
        table = self._reader.dotted_name() if verb in ("INSERT", "UPDATE", "DELETE", "MERGE") else ()
        return self._made(Kind.ROWS, verb=verb, table=table, asks=asks)

    def _sets_the_session(self) -> bool:
        """As pg_dump does: SELECT pg_catalog.set_config('search_path', '', false)."""
        words = [token.text.lower() for token in self._tokens[1:]]
        words = words[2:] if words[:2] == ["pg_catalog", "."] else words
        return words[:3] == ["set_config", "(", "'search_path'"] and words[-1:] == [")"] and words.count("(") == 1

    def do(self) -> Statement:
        return self._made(Kind.FILLS, against.opaque("DO"), alone=True)

    def definition(self) -> Statement:
        return self._made(Kind.OBJECT)

    def refresh(self) -> Statement:
        return self._made(Kind.FILLS, alone=True)

    def set(self) -> Statement:
        if self._reader.sees("CONSTRAINTS"):
            return self._made(Kind.ROWS)
        return self._made(Kind.SESSION, *set_findings(self._tokens), verb=self._tokens[0].text.upper())

    def begin(self) -> Statement:
        if self._tokens[0].is_word("START") and not self._reader.sees("TRANSACTION"):
            return self._refused(against.unknown)
        self._reader.take("TRANSACTION") or self._reader.take("WORK")
        self._reader.take("ISOLATION", "LEVEL", "READ", "COMMITTED")
        return self._made(Kind.BEGIN, *([against.transaction_control(self._verb)] if self._reader.rest() else []))

    def commit(self) -> Statement:
        self._reader.take("TRANSACTION") or self._reader.take("WORK")
        return self._made(Kind.COMMIT, *([against.transaction_control(self._verb)] if self._reader.rest() else []))

    def maintenance(self) -> Statement:
        if self._has("FULL"):
            return self._refused(against.server_wide)
        return self._made(Kind.MAINTENANCE)


_READS: Mapping[str, Callable[[_Reading], Statement]] = {
    "ALTER": _Reading.alter,
    "CREATE": _Reading.create,
    "DROP": _Reading.drop,
    "TRUNCATE": _Reading.truncate,
    **dict.fromkeys(("INSERT", "UPDATE", "DELETE", "MERGE", "SELECT", "WITH", "VALUES"), _Reading.rows),
    **dict.fromkeys(("COMMENT", "GRANT", "REVOKE", "SECURITY"), _Reading.definition),
    "REFRESH": _Reading.refresh,
    "DO": _Reading.do,
    **dict.fromkeys(("SET", "RESET"), _Reading.set),
    **dict.fromkeys(("BEGIN", "START"), _Reading.begin),
    **dict.fromkeys(("COMMIT", "END"), _Reading.commit),
    **dict.fromkeys(("VACUUM", "ANALYZE"), _Reading.maintenance),
}
