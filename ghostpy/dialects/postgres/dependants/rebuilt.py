"""What points at a table by its OID, and so is dropped before the exchange and made again after it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

from msgspec import Struct

from ghostpy.dialects.postgres import quote

Described: TypeAlias = dict[str, Any]
"""One row of the inventory, as its SQL names the fields."""

VIEW, RULE, POLICY, KEY, PUBLICATION = "view", "rule", "policy", "foreign key", "publication"

EMPTY_PATH = "SELECT pg_catalog.set_config('search_path', '', true)"
"""Under an empty search path the server writes every name with its schema, and reads it so."""


class Relation(Struct, frozen=True):
    """A table or view. `spelled` is its qualified name, `schema_spelled` its schema's, as the server writes them."""

    schema: str
    name: str
    schema_spelled: str
    spelled: str
    kind: str
    """As pg_class.relkind."""
    owner: str
    """Quoted."""
    ours: bool
    """Whether our role may do what the owner may."""

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def lock(self) -> str:
        """The statement that locks this relation, and no other, in ACCESS EXCLUSIVE mode.

        LOCK TABLE would lock all that a view reads too ("LOCK"), and takes no materialized view; a change of owner to
        the same owner changes nothing, but takes the lock.
        """
        if self.kind in "vm":
            return f"ALTER {view_word(self.kind)} {self.spelled} OWNER TO {self.owner}"
        return f"LOCK TABLE {'' if self.kind == 'p' else 'ONLY '}{self.spelled} IN ACCESS EXCLUSIVE MODE"


class Rebuilt(Struct, frozen=True):
    """One such thing. Only `create` speaks of the source's columns; `extras` follow it, and `later` has time."""

    kind: str
    name: str
    on: Relation
    """What it stands on; of a view: the view itself."""
    drop: str
    create: str
    extras: tuple[str, ...] = ()
    later: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    """Views that must be there before."""

    def __str__(self) -> str:
        if self.is_view:
            return f"the {view_word(self.on.kind).lower()} {self.on}"
        return f"the {self.kind} {self.name} of {self.on}"

    @property
    def is_view(self) -> bool:
        return self.kind == VIEW


RELATION = """jsonb_build_object(
    'schema', n.nspname, 'name', c.relname, 'schema_spelled', quote_ident(n.nspname), 'spelled', format('%I.%I', n.nspname, c.relname),
    'kind', c.relkind, 'owner', quote_ident(pg_get_userbyid(c.relowner)), 'ours', pg_has_role(c.relowner, 'USAGE'))"""
"""SQL for what `relation` reads, where c is pg_class and n its pg_namespace."""


def relation(described: Described) -> Relation:
    return Relation(**described)


def view_word(kind: str) -> str:
    return "MATERIALIZED VIEW" if kind == "m" else "VIEW"


def comment(what: str, text: str | None) -> list[str]:
    """The COMMENT statement, if there is a comment. `what` is spelled as SQL."""
    return [] if text is None else [f"COMMENT ON {what} IS {quote.text(text)}"]


def with_options(options: Iterable[str] | None, prefix: str = "") -> list[str]:
    """Storage parameters as a WITH list has them, from the form of pg_class.reloptions."""
    pairs = (option.split("=", 1) for option in options or ())
    return [f"{prefix}{name}={quote.text(value)}" for name, value in pairs]
