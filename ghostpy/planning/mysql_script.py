"""What one statement of a script is about, to MySQL and MariaDB; by its text alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ghostpy.errors import UsageError
from ghostpy.model.finding import Finding
from ghostpy.model.script import Concern, Kind, Name, Statement, digest_of
from ghostpy.planning import script_findings as against
from ghostpy.planning.alter import AlterText, Reader, parse_alter
from ghostpy.planning.mysql_session_text import set_findings
from ghostpy.planning.sql_tokens import Token, TokenKind, tokenize

_CLIENT = (
    *("DELIMITER", "SOURCE", "SYSTEM", "TEE", "NOTEE", "PAGER", "NOPAGER", "WARNINGS", "NOWARNING", "CHARSET"),
    *("CONNECT", "PROMPT", "EDIT", "GO", "EGO", "STATUS", "REHASH", "QUIT", "EXIT", "PRINT"),
)
_SERVER_WIDE = (
    *("LOCK", "UNLOCK", "FLUSH", "KILL", "SHUTDOWN", "RESTART", "RESET", "PURGE", "CHANGE", "STOP", "INSTALL"),
    *("UNINSTALL", "GRANT", "REVOKE", "LOAD", "IMPORT", "CLONE", "BINLOG", "CACHE"),
)
_OPAQUE = ("CALL", "DO", "PREPARE", "EXECUTE", "DEALLOCATE", "HANDLER")
_ROLLS = ("ROLLBACK", "SAVEPOINT", "RELEASE", "XA")
_OBJECTS = ("TABLE", "VIEW", "TRIGGER", "PROCEDURE", "FUNCTION", "EVENT", "SEQUENCE", "INDEX")
_ELSEWHERE = (
    *("DATABASE", "SCHEMA", "USER", "ROLE", "SERVER", "TABLESPACE", "LOGFILE", "RESOURCE", "INSTANCE", "PACKAGE"),
    *("AGGREGATE", "REFERENCE", "LIBRARY"),
)
_PROGRAMS = ("TRIGGER", "PROCEDURE", "FUNCTION", "EVENT")
_BEFORE_AN_OBJECT = 14
"""Words that may stand between CREATE and the kind of object: ALGORITHM, DEFINER, SQL SECURITY with their values."""
_OPTIONS = ("LOW_PRIORITY", "DELAYED", "HIGH_PRIORITY", "QUICK", "IGNORE")


def read(text: str, database: str, *, delimited: bool = False) -> Statement:
    """Look at one statement. What stands against it is among its findings, and nothing is raised.

    `delimited`: DELIMITER has said how it ends, so that semicolons may stand in it.
    """
    tokens = tokenize(text, "A statement")
    plain = [token for token in tokens if token.kind is not TokenKind.CONDITION]
    return _Reading(text, plain, tokens, database, delimited=delimited).read()


class _Reading:
    def __init__(
        self, text: str, tokens: Sequence[Token], all_tokens: Sequence[Token], database: str, *, delimited: bool
    ) -> None:
        self._text = text
        self._tokens = tokens
        self._digest = digest_of([token.text for token in all_tokens])
        self._database = database
        self._delimited = delimited
        self._reader = Reader(tokens)

    def read(self) -> Statement:
        first = self._tokens[0] if self._tokens else None
        if first is None or any(t.kind is TokenKind.SYMBOL and t.text == "\\" for t in self._tokens):
            return self._refused(against.client_command if first is not None else against.unknown)
        if first.is_word(*_CLIENT):
            return self._refused(against.client_command)
        if first.is_word(*_SERVER_WIDE):
            return self._refused(against.server_wide)
        if first.is_word(*_OPAQUE):
            return self._refused(against.opaque, repeatable=False)
        if first.is_word(*_ROLLS):
            return self._refused(against.transaction_control)
        if not first.is_word("CREATE", "ALTER") and self._several(""):
            return self._refused(against.several)
        reads: Mapping[str, Callable[[_Reading], Statement]] = _READS
        if first.kind is not TokenKind.WORD or first.text.upper() not in reads:
            return self._refused(against.unknown)
        self._reader.take(first.text.upper())
        return reads[first.text.upper()](self)

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
        names: list[Name] = [*more.get("makes", ()), *(each.name for each in more.get("concerns", ()))]
        names += [more["table"]] if more.get("table") else []
        strange = [name for name in names if len(name) > 2 or (len(name) == 2 and name[0] != self._database)]
        found = [*findings, *(against.other_database(".".join(name)) for name in dict.fromkeys(strange))]
        return Statement(0, self._text, kind, verb or self._verb, self._digest, findings=tuple(found), **more)

    def _refused(self, why: Callable[[str], Finding], **more: Any) -> Statement:
        return self._made(Kind.OBJECT, why(self._verb), **more)

    def _has(self, *words: str, outside: bool = False) -> bool:
        return any(token.is_word(*words) and not (outside and token.depth) for token in self._tokens)

    def _names(self) -> tuple[Name, ...]:
        """A list of names, with commas between them."""
        found: list[Name] = []
        while not found or self._reader.take_symbol(","):
            name = self._reader.dotted_name()
            if not name:
                return ()
            found.append(name)
        return tuple(found)

    def _object(self) -> str:
        """Go past the words up to the kind of object; that kind, or nothing."""
        for _ in range(_BEFORE_AN_OBJECT):
            token = self._reader.peek()
            if token is None or token.is_word(*_ELSEWHERE):
                return token.text.upper() if token is not None else ""
            self._step()
            if token.is_word(*_OBJECTS):
                return token.text.upper()
        return ""

    def _step(self) -> None:
        self._reader = Reader(self._reader.rest()[1:])

    # --- kinds of statements -----------------------------------------------------------------------------------------

    def alter(self) -> Statement:
        if self._is_alter_table():
            return self._alter_table()
        kind = self._object()
        if kind in _ELSEWHERE or not kind:
            return self._refused(against.server_wide)
        name = self._reader.dotted_name()
        if not name or kind in ("INDEX", "TRIGGER"):
            return self._refused(against.unknown)
        if kind == "SEQUENCE":
            return self._made(Kind.OBJECT, repeatable=False)
        return self._made(Kind.OBJECT, *self._programs(kind), verb=f"ALTER {kind}", concerns=(Concern(kind, name),))

    def _is_alter_table(self) -> bool:
        here = [token.text.upper() for token in self._tokens[1:4]]
        return "TABLE" in here and all(word in ("ONLINE", "OFFLINE", "IGNORE") for word in here[: here.index("TABLE")])

    def _alter_table(self) -> Statement:
        try:
            parsed = parse_alter(self._text)
        except UsageError as error:
            return self._made(Kind.OBJECT, against.unknown("ALTER TABLE", f"cannot be read: {error.message}"))
        table: Name = tuple(part for part in (parsed.database, parsed.table) if part)
        to: Name = tuple(parsed.table_renamed_to.split(".")) if parsed.table_renamed_to else ()
        concerns = tuple(Concern("TABLE", name) for name in (table, to) if name)
        several = any(token.is_symbol(",") and not token.depth for token in self._tokens)
        return self._made(
            Kind.OBJECT if to and not several else Kind.TABLE,
            verb="ALTER TABLE",
            table=table,
            alter="" if to and not several else self._text,
            makes=(to,) if to else (),
            concerns=concerns,
            moves=bool(to),
            repeatable=self._repeatable(parsed),
        )

    def _repeatable(self, parsed: AlterText) -> bool:
        """Not where a second time undoes the first, or takes what has come since."""
        names = [(token.name or "").casefold() for token in self._tokens]
        again = any(names.count(column.casefold()) > 1 for column in parsed.dropped)
        partitions = any(each.split(" ")[0] in ("EXCHANGE", "TRUNCATE") for each in parsed.partition_operations)
        return not again and not partitions and not parsed.tablespace_operation

    def create(self) -> Statement:
        if self._tokens[1:2] and self._tokens[1].is_word("TEMPORARY"):
            return self._refused(against.temporary)
        replaces = self._reader.take("OR", "REPLACE")
        for unique in ("UNIQUE", "FULLTEXT", "SPATIAL"):
            if self._reader.take(unique, "INDEX"):
                return self._create_index(f"{unique} ")
        if self._reader.take("INDEX"):
            return self._create_index("")
        kind = self._object()
        if kind in _ELSEWHERE or not kind:
            return self._refused(against.server_wide)
        self._reader.take("IF", "NOT", "EXISTS")
        name = self._reader.dotted_name()
        if not name or kind == "INDEX":
            return self._refused(against.unknown)
        verb, made = f"CREATE {kind}", ((name,) if kind in ("TABLE", "VIEW", "SEQUENCE") else ())
        filled = kind == "TABLE" and self._has("SELECT", "WITH", "VALUES", outside=True)
        concerns = () if kind == "SEQUENCE" else (Concern(kind, name),)
        return self._made(
            Kind.FILLS if filled else Kind.OBJECT,
            *self._programs(kind),
            verb=verb,
            makes=made,
            concerns=concerns,
            repeatable=not (replaces and kind == "TABLE") and kind != "SEQUENCE",
        )

    def _programs(self, kind: str) -> Sequence[Finding]:
        inner = self._has("BEGIN", "LOOP", "REPEAT", "WHILE", "CASE") or any(
            token.is_word("IF") and not (following.is_word("NOT", "EXISTS") or following.is_symbol("("))
            for token, following in zip(self._tokens, self._tokens[1:], strict=False)
        )
        if kind in _PROGRAMS:
            return [against.compound(f"CREATE {kind}")] if inner and not self._delimited else []
        return self._several(f"CREATE {kind}")

    def _several(self, verb: str) -> Sequence[Finding]:
        return [against.several(verb)] if any(token.is_symbol(";") for token in self._tokens) else []

    def _create_index(self, unique: str) -> Statement:
        unless = "IF NOT EXISTS " if self._reader.take("IF", "NOT", "EXISTS") else ""
        name, using = self._reader.name(), ""
        if self._reader.take("USING"):
            using = f" USING {self._reader.name() or ''}"
        table = self._reader.dotted_name() if self._reader.take("ON") else None
        rest = list(self._reader.rest())
        while rest and not rest[0].is_symbol("("):
            rest.pop(0)
        ends = [place for place, token in enumerate(rest) if not token.depth and token.is_word("ALGORITHM", "LOCK")]
        rest = rest[: ends[0]] if ends else rest
        if not name or not table or not rest:
            return self._refused(against.unknown)
        behind = self._text[rest[0].start : rest[-1].end]
        clause = f"ADD {unique}INDEX {unless}{_quoted(name)}{using} {behind}"
        verb = f"CREATE {unique}INDEX"
        concerns = (Concern("TABLE", table),)
        return self._made(Kind.TABLE, *self._several(verb), verb=verb, table=table, alter=clause, concerns=concerns)

    def drop(self) -> Statement:
        if self._reader.take("TEMPORARY"):
            return self._refused(against.temporary)
        if self._reader.take("INDEX"):
            given = "IF EXISTS " if self._reader.take("IF", "EXISTS") else ""
            index = self._reader.name()
            table = self._reader.dotted_name() if self._reader.take("ON") else None
            if not index or not table:
                return self._refused(against.unknown)
            clause = f"DROP INDEX {given}{_quoted(index)}"
            return self._made(Kind.TABLE, table=table, alter=clause, concerns=(Concern("TABLE", table),))
        kind = self._object()
        if kind in _ELSEWHERE or not kind:
            return self._refused(against.server_wide)
        self._reader.take("IF", "EXISTS")
        names = self._names()
        if not names:
            return self._refused(against.unknown)
        findings = [against.drops_rows(f"DROP TABLE {'.'.join(name)}") for name in names] if kind == "TABLE" else []
        if kind == "SEQUENCE":
            return self._made(Kind.OBJECT)
        concerns = tuple(Concern(kind, name) for name in names)
        return self._made(Kind.OBJECT, *findings, verb=f"DROP {kind}", concerns=concerns, vanishes=True)

    def rename(self) -> Statement:
        if not (self._reader.take("TABLE") or self._reader.take("TABLES")):
            return self._refused(against.server_wide)
        names: list[Name] = []
        while not names or self._reader.take_symbol(","):
            self._reader.take("IF", "EXISTS")
            old = self._reader.dotted_name()
            new = self._reader.dotted_name() if self._reader.take("TO") else None
            if not old or not new:
                return self._refused(against.unknown)
            names += [old, new]
        return self._made(
            Kind.OBJECT,
            makes=tuple(names[1::2]),
            concerns=tuple(Concern("TABLE", name) for name in dict.fromkeys(names)),
            moves=True,
            repeatable=len({name[-1] for name in names}) == len(names),
        )

    def truncate(self) -> Statement:
        self._reader.take("TABLE")
        name = self._reader.dotted_name()
        if not name:
            return self._refused(against.unknown)
        finding = against.drops_rows(f"TRUNCATE {'.'.join(name)}")
        return self._made(Kind.OBJECT, finding, verb="TRUNCATE", concerns=(Concern("TABLE", name),), repeatable=False)

    def rows(self) -> Statement:
        if self._has("OUTFILE", "DUMPFILE"):
            return self._refused(against.server_wide)
        verb = self._tokens[0].text.upper()
        asks = verb not in ("INSERT", "REPLACE") or self._has("SELECT", "WITH", "TABLE")
        table: Name = ()
        if verb in ("INSERT", "REPLACE", "UPDATE", "DELETE"):
            while any(self._reader.take(word) for word in _OPTIONS):
                continue
            into = self._reader.take("FROM") if verb == "DELETE" else self._reader.take("INTO") or True
            table = (self._reader.dotted_name() or ()) if into else ()
        return self._made(Kind.ROWS, verb=verb, table=table, asks=asks)

    def set(self) -> Statement:
        return self._made(Kind.SESSION, *set_findings(self._tokens), verb="SET")

    def use(self) -> Statement:
        name = self._reader.name()
        findings = [] if name == self._database else [against.other_database(f"USE {name}")]
        return self._made(Kind.SESSION, *findings, verb="USE")

    def begin(self) -> Statement:
        self._reader.take("TRANSACTION") or self._reader.take("WORK")
        findings = [against.transaction_control(self._verb)] if self._reader.rest() else []
        return self._made(Kind.BEGIN, *findings)

    def start(self) -> Statement:
        return self.begin() if self._reader.sees("TRANSACTION") else self._refused(against.server_wide)

    def commit(self) -> Statement:
        self._reader.take("WORK")
        findings = [against.transaction_control(self._verb)] if self._reader.rest() else []
        return self._made(Kind.COMMIT, *findings)

    def look(self) -> Statement:
        self._reader.take("LOCAL") or self._reader.take("NO_WRITE_TO_BINLOG")
        if not (self._reader.take("TABLE") or self._reader.take("TABLES")):
            return self._refused(against.unknown)
        return self._made(Kind.MAINTENANCE)


_READS: Mapping[str, Callable[[_Reading], Statement]] = {
    "ALTER": _Reading.alter,
    "CREATE": _Reading.create,
    "DROP": _Reading.drop,
    "RENAME": _Reading.rename,
    "TRUNCATE": _Reading.truncate,
    **dict.fromkeys(("INSERT", "REPLACE", "UPDATE", "DELETE", "SELECT", "WITH"), _Reading.rows),
    "SET": _Reading.set,
    "USE": _Reading.use,
    "BEGIN": _Reading.begin,
    "START": _Reading.start,
    "COMMIT": _Reading.commit,
    **dict.fromkeys(("ANALYZE", "CHECK"), _Reading.look),
}


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
