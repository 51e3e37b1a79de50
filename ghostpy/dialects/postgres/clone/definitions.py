"""What stands on a table besides its columns and constraints: statistics, triggers, rules, policies and marks, each with its SQL.

The statements mean the table by its bare name: they run under a search_path that begins with its schema (`replay.run_under`).
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from ghostpy.dialects.postgres import quote
from ghostpy.dialects.postgres.clone.constraint_definitions import Constraint, read_constraints
from ghostpy.dialects.postgres.clone.index_definitions import NO_IDENTITY, PRIMARY, IndexDefinition, read_indexes
from ghostpy.dialects.postgres.replay import searching
from ghostpy.dialects.postgres.session import Session
from ghostpy.model.names import TableName

_FIRES = {"O": "", "D": "DISABLE", "R": "ENABLE REPLICA", "A": "ENABLE ALWAYS"}
_COMMANDS = {"*": "ALL", "r": "SELECT", "a": "INSERT", "w": "UPDATE", "d": "DELETE"}
_IDENTITIES = {"d": "DEFAULT", "f": "FULL"}


class Part(Struct, frozen=True):
    """A trigger, rule or policy: a name, and the statements that make it and undo it."""

    name: str
    kind: str
    """The word for it."""
    create: tuple[str, ...]
    drop: str


class Statistics(Struct, frozen=True):
    """Extended statistics. They have a schema of their own, which need not be the table's, and stay in it when the table moves."""

    name: str
    schema: str
    definition: str
    """What follows the name in CREATE STATISTICS."""
    owner: str
    target: int | None = None
    comment: str | None = None

    def create(self, schema: str) -> tuple[str, ...]:
        """The statements that make them in `schema`."""
        full = self.within(schema)
        lines = [f"CREATE STATISTICS {full}{self.definition}"]
        if self.target is not None:
            lines.append(f"ALTER STATISTICS {full} SET STATISTICS {self.target}")
        if self.comment is not None:
            lines.append(f"COMMENT ON STATISTICS {full} IS {quote.text(self.comment)}")
        return tuple(lines)

    def within(self, schema: str) -> str:
        return f"{quote.name(schema)}.{quote.name(self.name)}"


class Definitions(Struct, frozen=True):
    """Everything that stands on one table, as its server tells it under one search_path."""

    table: TableName
    oid: int
    owner: str
    constraints: tuple[Constraint, ...]
    indexes: tuple[IndexDefinition, ...]
    """The valid ones."""
    invalid_indexes: tuple[str, ...]
    statistics: tuple[Statistics, ...]
    triggers: tuple[Part, ...]
    rules: tuple[Part, ...]
    policies: tuple[Part, ...]
    row_security: bool
    row_security_forced: bool
    replica_identity: str
    """As pg_class.relreplident has it."""

    def with_constraints(self, constraints: Iterable[Constraint]) -> Definitions:
        """The same, with these constraints instead."""
        return replace(self, constraints=tuple(constraints))

    def row_security_statements(self) -> tuple[str, ...]:
        """The statements that turn row security on, where it is on."""
        table = quote.name(self.table.table)
        switched = (("ENABLE", self.row_security), ("FORCE", self.row_security_forced))
        return tuple(f"ALTER TABLE {table} {switch} ROW LEVEL SECURITY" for switch, on in switched if on)

    @property
    def stream_index(self) -> str | None:
        """As `copy_keys.stream_index` tells it, for the table as it is to be."""
        if self.replica_identity == "f":
            return None
        wanted = self.replica_identity == "i"
        found = (i.name for i in self.indexes if (i.replica_identity if wanted else i.constraint == PRIMARY))
        return next(found, NO_IDENTITY) if self.replica_identity in "di" else NO_IDENTITY

    def replica_identity_statement(self) -> str:
        """The statement that sets the replica identity. An index that is gone leaves nothing ("ALTER TABLE", REPLICA IDENTITY)."""
        index = next((index.name for index in self.indexes if index.replica_identity), None)
        usable = self.replica_identity == "i" and index is not None
        kind = (
            f"USING INDEX {quote.name(index)}"
            if usable and index
            else _IDENTITIES.get(self.replica_identity, "NOTHING")
        )
        return f"ALTER TABLE {quote.name(self.table.table)} REPLICA IDENTITY {kind}"


async def read_definitions(
    session: Session, table: TableName, search_path: tuple[str, ...], *, doing: str | None = None
) -> Definitions:
    """The definitions of `table`, named as they must be under `search_path`. Within a transaction."""
    doing = doing or f"reading the definitions of {table}"
    async with searching(session, search_path, doing=doing):
        oid, owner, row_security, forced, identity = (await session.query(_TABLE, [quote.table(table)], doing=doing))[0]
        name = quote.name(table.table)
        indexes = await read_indexes(session, oid, doing=doing)
        return Definitions(
            table=table,
            oid=oid,
            owner=owner,
            constraints=await read_constraints(session, oid, doing=doing),
            indexes=tuple(index for index in indexes if index.valid),
            invalid_indexes=tuple(index.name for index in indexes if not index.valid),
            statistics=tuple(
                Statistics(
                    name=own, schema=schema, definition=text[len(start) :], owner=by, target=target, comment=note
                )
                for own, schema, text, start, by, target, note in await session.query(_STATISTICS, [oid], doing=doing)
            ),
            triggers=tuple(_trigger(name, *row) for row in await session.query(_TRIGGERS, [oid], doing=doing)),
            rules=tuple(_rule(name, *row) for row in await session.query(_RULES, [oid], doing=doing)),
            policies=tuple(_policy(name, *row) for row in await session.query(_POLICIES, [oid], doing=doing)),
            row_security=row_security,
            row_security_forced=forced,
            replica_identity=identity,
        )


_TABLE = """
SELECT c.oid::bigint, pg_catalog.pg_get_userbyid(c.relowner), c.relrowsecurity, c.relforcerowsecurity, c.relreplident::varchar
FROM pg_catalog.pg_class c WHERE c.oid = %s::pg_catalog.regclass
"""

# -1 up to 16, NULL from 17 on, where no target is set.
_STATISTICS = """
SELECT s.stxname, n.nspname, pg_catalog.pg_get_statisticsobjdef(s.oid),
       pg_catalog.format('CREATE STATISTICS %%I.%%I', n.nspname, s.stxname), pg_catalog.pg_get_userbyid(s.stxowner),
       CASE WHEN s.stxstattarget >= 0 THEN s.stxstattarget::integer END, pg_catalog.obj_description(s.oid, 'pg_statistic_ext')
FROM pg_catalog.pg_statistic_ext s JOIN pg_catalog.pg_namespace n ON n.oid = s.stxnamespace
WHERE s.stxrelid = %s::bigint::pg_catalog.oid ORDER BY n.nspname, s.stxname
"""

_TRIGGERS = """
SELECT t.tgname, pg_catalog.pg_get_triggerdef(t.oid, true), t.tgenabled::varchar,
       pg_catalog.obj_description(t.oid, 'pg_trigger'), pg_catalog.obj_description(t.tgconstraint, 'pg_constraint'),
       ARRAY(SELECT e.extname::varchar FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
             WHERE d.classid = 'pg_catalog.pg_trigger'::pg_catalog.regclass AND d.objid = t.oid AND d.deptype = 'x' ORDER BY 1)
FROM pg_catalog.pg_trigger t WHERE t.tgrelid = %s::bigint::pg_catalog.oid AND NOT t.tgisinternal ORDER BY t.tgname
"""

_RULES = """
SELECT r.rulename, pg_catalog.pg_get_ruledef(r.oid, true), r.ev_enabled::varchar, pg_catalog.obj_description(r.oid, 'pg_rewrite')
FROM pg_catalog.pg_rewrite r WHERE r.ev_class = %s::bigint::pg_catalog.oid ORDER BY r.rulename
"""

_POLICIES = """
SELECT p.polname, p.polpermissive, p.polcmd::varchar,
       ARRAY(SELECT CASE WHEN r.oid = 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(r.oid)) END
             FROM pg_catalog.unnest(p.polroles) AS r (oid) ORDER BY 1),
       pg_catalog.pg_get_expr(p.polqual, p.polrelid), pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid),
       pg_catalog.obj_description(p.oid, 'pg_policy')
FROM pg_catalog.pg_policy p WHERE p.polrelid = %s::bigint::pg_catalog.oid ORDER BY p.polname
"""


def _trigger(
    table: str, name: str, definition: str, fires: str, comment: str | None, constraint: str | None, needs: list[str]
) -> Part:
    quoted = quote.name(name)
    lines = [definition, *_switched(table, "TRIGGER", quoted, fires), *_commented("TRIGGER", quoted, table, comment)]
    lines += [f"ALTER TRIGGER {quoted} ON {table} DEPENDS ON EXTENSION {quote.name(extension)}" for extension in needs]
    lines += _commented("CONSTRAINT", quoted, table, constraint)
    return Part(name=name, create=tuple(lines), kind="trigger", drop=f"DROP TRIGGER {quoted} ON {table}")


def _rule(table: str, name: str, definition: str, fires: str, comment: str | None) -> Part:
    quoted = quote.name(name)
    lines = [definition.rstrip().removesuffix(";")]
    lines += [*_switched(table, "RULE", quoted, fires), *_commented("RULE", quoted, table, comment)]
    return Part(name=name, create=tuple(lines), kind="rule", drop=f"DROP RULE {quoted} ON {table}")


def _policy(
    table: str,
    name: str,
    permissive: bool,
    command: str,
    roles: list[str],
    using: str | None,
    check: str | None,
    comment: str | None,
) -> Part:
    quoted = quote.name(name)
    create = f"CREATE POLICY {quoted} ON {table} AS {'PERMISSIVE' if permissive else 'RESTRICTIVE'}"
    create += f" FOR {_COMMANDS[command]} TO {', '.join(roles)}"
    create += f" USING ({using})" if using is not None else ""
    create += f" WITH CHECK ({check})" if check is not None else ""
    lines = (create, *_commented("POLICY", quoted, table, comment))
    return Part(name=name, create=lines, kind="policy", drop=f"DROP POLICY {quoted} ON {table}")


def _switched(table: str, kind: str, quoted: str, fires: str) -> list[str]:
    return [f"ALTER TABLE {table} {_FIRES[fires]} {kind} {quoted}"] if _FIRES[fires] else []


def _commented(kind: str, quoted: str, table: str, comment: str | None) -> list[str]:
    return [] if comment is None else [f"COMMENT ON {kind} {quoted} ON {table} IS {quote.text(comment)}"]
