"""Privileges of a relation that is made again: as before, whatever ALTER DEFAULT PRIVILEGES adds to new ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct

from ghostpy.dialects.postgres import quote


def exploded(acl: str) -> str:
    """SQL that gives the entries of the access list `acl`, an SQL expression; NULL for a list that is NULL."""
    return f"""(SELECT jsonb_agg(jsonb_build_object(
        'grantor', pg_get_userbyid(x.grantor), 'privilege', x.privilege, 'grantable', x.grantable,
        'grantee', CASE WHEN x.grantee <> 0 THEN pg_get_userbyid(x.grantee) END) ORDER BY x.place)
        FROM aclexplode({acl}) WITH ORDINALITY x(grantor, grantee, privilege, grantable, place))"""


# What a new relation of ours is born with ("ALTER DEFAULT PRIVILEGES"): an entry without a schema replaces the usual list.
_BORN_WITH = """(SELECT jsonb_agg(
        DISTINCT CASE WHEN x.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(x.grantee)) END)
    FROM pg_default_acl f CROSS JOIN aclexplode(f.defaclacl) x
    WHERE f.defaclrole = current_user::regrole AND f.defaclobjtype = 'r'
        AND f.defaclnamespace IN (0, c.relnamespace))"""

GRANTS = f"""jsonb_build_object('owner', pg_get_userbyid(c.relowner), 'entries', {exploded("c.relacl")},
    'untouched', c.relacl IS NULL, 'usual', (SELECT jsonb_agg(privilege_type) FROM aclexplode(acldefault('r', c.relowner))),
    'born_with', {_BORN_WITH})"""
"""SQL for what `relation_grants` reads, where c is pg_class."""


class Grant(Struct, frozen=True):
    """One privilege that `grantor` gave to `grantee` (None: PUBLIC)."""

    grantor: str
    grantee: str | None
    privilege: str
    grantable: bool


def relation_grants(spelled: str, described: dict[str, Any]) -> list[str]:
    """Statements that give a relation just made, and given to its owner, the privileges it had."""
    owner, usual, born_with = described["owner"], set(described["usual"]), described["born_with"] or []
    untouched = described["untouched"]
    grants = _grants(described["entries"])
    if untouched and not born_with:
        return []
    if untouched:
        grants = [Grant(owner, owner, privilege, False) for privilege in sorted(usual)]
    owners = {grant.privilege for grant in grants if grant.grantee == grant.grantor == owner}
    statements = []
    if born_with or owners != usual:
        revoked = ", ".join(dict.fromkeys([*born_with, quote.name(owner)]))
        statements.append(f"REVOKE ALL ON {spelled} FROM {revoked}")
    else:
        grants = [grant for grant in grants if grant.grantee != owner]
    return statements + _statements(spelled, owner, grants)


def column_grants(spelled: str, column: str, owner: str, entries: Iterable[dict[str, Any]] | None) -> list[str]:
    """Statements that give a column of a relation just made the privileges it had."""
    return _statements(spelled, owner, _grants(entries), f" ({quote.name(column)})")


def _grants(entries: Iterable[dict[str, Any]] | None) -> list[Grant]:
    return [Grant(**entry) for entry in entries or ()]


def _statements(spelled: str, owner: str, grants: Sequence[Grant], columns: str = "") -> list[str]:
    statements = []
    for grantor, grantee, grantable in dict.fromkeys(
        (g.grantor, g.grantee, g.grantable) for g in _ordered(owner, grants)
    ):
        privileges = [
            f"{g.privilege}{columns}"
            for g in grants
            if (g.grantor, g.grantee, g.grantable) == (grantor, grantee, grantable)
        ]
        grant = f"GRANT {', '.join(privileges)} ON {spelled} TO {'PUBLIC' if grantee is None else quote.name(grantee)}"
        grant += " WITH GRANT OPTION" if grantable else ""
        # Only the role itself can be the grantor of what is not granted in the owner's name ("GRANT").
        by_owner = grantor == owner
        statements += [grant] if by_owner else [f"SET LOCAL ROLE {quote.name(grantor)}", grant, "RESET ROLE"]
    return statements


def _ordered(owner: str, grants: Sequence[Grant]) -> list[Grant]:
    """Nobody can grant before having the right to: the owner's grants first, then those of who has it by then."""
    ordered: list[Grant] = []
    able, rest = {owner}, list(grants)
    while rest:
        ready = [grant for grant in rest if grant.grantor in able] or rest
        ordered += ready
        able |= {grant.grantee for grant in ready if grant.grantee is not None and grant.grantable}
        rest = [grant for grant in rest if grant not in ready]
    return ordered
