"""What a clause would have the server do, in words."""

from __future__ import annotations

from ghostpy.dialects.postgres.in_place.probe import Effects
from ghostpy.dialects.postgres.in_place.recipes import Recipe
from ghostpy.dialects.postgres.in_place.steps import Verdict
from ghostpy.model.plan import Strategy
from ghostpy.planning.postgres_clauses import Clause, Kind


def verdict_of(clause: Clause, effects: Effects, recipe: Recipe | None) -> Verdict:
    """`recipe`: how it is done in steps, where there is a way."""
    text = " ".join(clause.text.split())
    if clause.kind is Kind.DROP_INDEX and recipe is not None:
        return Verdict(text, Strategy.STAGED, "CONCURRENTLY, because readers and writers would wait behind it")
    if not effects.work:
        return Verdict(text, Strategy.INSTANT, "only the catalogs change")
    return Verdict(text, Strategy.STAGED if recipe is not None else Strategy.SHADOW, reason_of(effects))


def reason_of(effects: Effects) -> str:
    """Why it is not done at once."""
    if effects.rewritten:
        return "at once, PostgreSQL would write the whole table and its indexes anew while nobody can read it"
    if effects.table_moved:
        return "at once, PostgreSQL would move the whole table while nobody can read it"
    if effects.moved:
        return "at once, PostgreSQL would build indexes anew while nobody can read the table"
    does = [
        words
        for done, words in (
            (effects.verified, "read every row"),
            (effects.built, "build an index"),
            (effects.referred, "look up every row in another table"),
        )
        if done
    ]
    return f"at once, PostgreSQL would {' and '.join(does)} while writers wait" if does else "only the catalogs change"
