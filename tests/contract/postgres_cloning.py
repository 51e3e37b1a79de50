"""A change by way of a clone, step by step as a run makes it but without one; and the same change by the server itself, to compare with."""

from __future__ import annotations

import asyncio
import difflib
import re
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ghostpy import sandbox
from ghostpy.dialects.postgres import quote
from ghostpy.dialects.postgres.clone.clone import Altered, build_clone, own_findings
from ghostpy.dialects.postgres.clone.lent_sequences import give_back, let_go
from ghostpy.dialects.postgres.names import helper_names
from ghostpy.dialects.postgres.replay import path_of, run_under
from ghostpy.dialects.postgres.session import Session, opened
from ghostpy.model.finding import Finding
from ghostpy.model.names import HelperNames, TableName
from ghostpy.sandbox import postgres_lookup
from ghostpy.settings import ConnectSettings

_PIECE = re.compile(r"^--\n-- (?=Name: )", re.MULTILINE)
# Settings of the dump's own session, and what 15.20 notes at every column by itself.
_NOISE = re.compile(
    r"^(?:SET default_table\w+ = .*|\\(?:un)?restrict .*|ALTER TABLE ONLY .* SET \(pg_attver=\d+\);)\n|\bpg_attver=\d+, |, pg_attver=\d+\b",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Database:
    """A database of one test, with a table to be changed."""

    url: str
    source: TableName

    def run(self, *statements: str) -> list[tuple[object, ...]]:
        """Run statements, and return the rows of the last one."""

        async def running() -> list[tuple[object, ...]]:
            async with opened(ConnectSettings(dsn=self.url), purpose="test") as session:
                rows: list[tuple[object, ...]] = []
                for statement in statements:
                    rows = await session.query(statement, doing="setting up")
                return rows

        return asyncio.run(running())

    def dumped(self) -> list[str]:
        """All definitions, piece by piece, in an order that says nothing of when they were made."""
        done = subprocess.run(
            [*_pg_dump(), "--schema-only", f"--dbname={self.url}"],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        _, *pieces = _PIECE.split(_NOISE.sub("", done.stdout))
        return sorted(
            _in_order(piece.strip().removesuffix("--\n-- PostgreSQL database dump complete\n--").strip())
            for piece in pieces
        )

    def change(
        self,
        *alters: str,
        meanwhile: Sequence[str] = (),
        before_exchange: Sequence[str] = (),
        after_exchange: Sequence[str] = (),
        role: str = "",
    ) -> Altered:
        """Run `alters` ({table}: the table's name) by way of a clone.

        `meanwhile` is run by others once the rows are copied; `before_exchange` and `after_exchange` are one transaction of theirs.
        """
        return asyncio.run(self._changed(alters, meanwhile, before_exchange, after_exchange, self._url_of(role)))

    def findings(self, *, role: str = "") -> list[Finding]:
        """What is against changing the table."""

        async def found() -> list[Finding]:
            async with opened(ConnectSettings(dsn=self._url_of(role)), purpose="test") as session:
                return await own_findings(session, self.source)

        return asyncio.run(found())

    def _url_of(self, role: str) -> str:
        return self.url.replace("//postgres@", f"//{role}@") if role else self.url

    async def _changed(
        self,
        alters: Sequence[str],
        meanwhile: Sequence[str],
        before_exchange: Sequence[str],
        after_exchange: Sequence[str],
        url: str,
    ) -> Altered:
        names = helper_names(self.source)
        async with opened(ConnectSettings(dsn=url), purpose="change") as session:
            altered = await tried(session, self.source, names.probe, alters)
            shadow = quote.table(names.shadow)
            async with session.transaction():
                await session.execute(f"CREATE SCHEMA {quote.name(names.shadow.schema)}", doing="cloning")
                await build_clone(session, self.source, names.shadow, [text.format(table=shadow) for text in alters])
            await _copied(session, self.source, names.shadow, altered)
            if meanwhile:
                async with opened(ConnectSettings(dsn=self.url), purpose="others") as others:
                    await others.execute(";\n".join(meanwhile), doing="writing")
            path = path_of(names.shadow, self.source)
            for index in altered.indexes:
                await run_under(session, path, index.create, doing=f"building {index.name}", on=names.shadow)
            for _ in range(2):  # a second try of the exchange may prepare again
                await run_under(session, path, altered.before_exchange, doing="preparing", on=names.shadow)
            await _prepared(session, self.source, names, altered)
            async with opened(ConnectSettings(dsn=self.url), purpose="others") as others:
                await others.execute(";\n".join(["BEGIN", *before_exchange]), doing="writing")
                await _exchanged(session, self.source, names, altered)
                await others.execute(";\n".join([*after_exchange, "COMMIT"]), doing="writing")
            await give_back(session, names.ledger)
            for statement in altered.after_exchange:
                await session.execute(statement, doing="finishing")
            # No CASCADE: nothing may hang on what goes, and nothing may be left over in our schemas.
            await session.execute(
                f"DROP TABLE {quote.table(names.old)}; DROP TABLE {quote.table(names.ledger)}; DROP SCHEMA {quote.name(names.old.schema)}; "
                f"DROP SCHEMA {quote.name(names.shadow.schema)}",
                doing="cleaning up",
            )
        return altered


async def tried(session: Session, source: TableName, probe: TableName, alters: Sequence[str]) -> Altered:
    """What a dry run finds out, which leaves nothing."""
    async with session.transaction(keep=False):
        await session.execute(f"CREATE SCHEMA {quote.name(probe.schema)}", doing="trying")
        return await build_clone(session, source, probe, [text.format(table=quote.table(probe)) for text in alters])


async def _copied(session: Session, source: TableName, shadow: TableName, altered: Altered) -> None:
    computed = {
        name
        for (name,) in await session.query(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attgenerated <> ''",
            [quote.table(shadow)],
            doing="copying",
        )
    }
    pairs = [pair for pair in altered.columns if pair[1] not in computed]
    into, out = (", ".join(quote.name(pair[side]) for pair in pairs) for side in (1, 0))
    await session.execute(
        f"INSERT INTO {quote.table(shadow)} ({into}) OVERRIDING SYSTEM VALUE SELECT {out} FROM {quote.table(source)}",
        doing="copying",
    )


async def _prepared(session: Session, source: TableName, names: HelperNames, altered: Altered) -> None:
    await session.execute(
        f"CREATE SCHEMA {quote.name(names.old.schema)}; CREATE TABLE {quote.table(names.ledger)} (id text PRIMARY KEY, value text)",
        doing="exchanging",
    )
    await let_go(session, altered.lent, source, names.ledger)


async def _exchanged(session: Session, source: TableName, names: HelperNames, altered: Altered) -> None:
    async with session.transaction():
        await session.execute(
            f"SET LOCAL lock_timeout = '3s'; LOCK TABLE {quote.table(source)} IN ACCESS EXCLUSIVE MODE; "
            f"ALTER TABLE {quote.table(source)} SET SCHEMA {quote.name(names.old.schema)}; "
            f"ALTER TABLE {quote.table(names.shadow)} SET SCHEMA {quote.name(source.schema)}",
            doing="exchanging",
        )
        statements = altered.exchange_statements(names.old, source, names.ledger)
        await run_under(session, (source.schema,), statements, doing="exchanging", on=source)


class Twins:
    """Two databases that are the same, one to be changed by way of a clone, one by the server itself."""

    def __init__(
        self,
        server: sandbox.PostgresServer,
        new_database: Callable[[sandbox.Server], str],
        source: TableName,
        *script: str,
    ) -> None:
        self.ours, self.theirs = (
            Database(server.url.removesuffix("postgres") + new_database(server), source) for _ in range(2)
        )
        for database in (self.ours, self.theirs):
            database.run(*script)

    def change(self, *alters: str, meanwhile: Sequence[str] = (), role: str = "") -> Altered:
        """Make the same change on both, and see that they are the same again."""
        spelled = quote.table(self.theirs.source)
        altered = self.ours.change(*alters, meanwhile=meanwhile, role=role)
        become = [f"SET ROLE {role}"] if role else []
        self.theirs.run(*meanwhile, *become, *(text.format(table=spelled) for text in alters), "SELECT 1")
        self.compare()
        return altered

    def compare(self) -> None:
        """See that both have the same definitions."""
        ours, theirs = self.ours.dumped(), self.theirs.dumped()
        differing = difflib.unified_diff(
            "\n".join(theirs).splitlines(), "\n".join(ours).splitlines(), "theirs", "ours", n=3
        )
        assert ours == theirs, "\n".join(differing)

    def same(self, question: str) -> list[tuple[object, ...]]:
        """The answer of both."""
        ours, theirs = self.ours.run(question), self.theirs.run(question)
        assert ours == theirs, (ours, theirs)
        return ours


def _in_order(piece: str) -> str:
    """Grants in one order; other pieces as they are."""
    return "\n".join(sorted(piece.splitlines())) if re.match(r".*; Type: ACL;", piece) else piece


@cache
def _pg_dump() -> list[str]:
    """The newest, which dumps from older servers as well."""
    return postgres_lookup.find().command("pg_dump", Path())
