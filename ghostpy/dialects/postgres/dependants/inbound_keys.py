"""Foreign keys of other tables that reference the source.

Made again NOT VALID: new and changed rows are checked from the exchange on, without a look at the others under its
lock. They are validated afterwards, if they were valid.
"""

from __future__ import annotations

from ghostpy.dialects.postgres import quote
from ghostpy.dialects.postgres.dependants.rebuilt import KEY, RELATION, Described, Rebuilt, comment, relation
from ghostpy.model.finding import Finding

# A partition's own copy of the key comes and goes with that of the partitioned table.
QUESTION = f"""
SELECT {RELATION} AS relation, k.conname AS name, pg_get_constraintdef(k.oid) AS definition, k.convalidated AS validated,
    obj_description(k.oid, 'pg_constraint') AS comment, coalesce((to_jsonb(k)->>'conenforced')::bool, true) AS enforced,
    EXISTS (SELECT FROM pg_trigger g WHERE g.tgconstraint = k.oid AND g.tgenabled <> 'O') AS switched
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE k.contype = 'f' AND k.confrelid = $OID AND k.conrelid <> $OID AND k.conparentid = 0
"""

PARTITIONED_FROM = 180000
"""server_version_num from which a partitioned table can have a foreign key that is NOT VALID ("ALTER TABLE")."""


def rebuilt_key(row: Described) -> Rebuilt:
    """How one foreign key is dropped and made again."""
    child, name = relation(row["relation"]), quote.name(row["name"])
    checked = row["validated"] and row["enforced"]
    create = f"ALTER TABLE {child.spelled} ADD CONSTRAINT {name} {row['definition']}{' NOT VALID' if checked else ''}"
    return Rebuilt(
        KEY,
        row["name"],
        child,
        f"ALTER TABLE {child.spelled} DROP CONSTRAINT {name}",
        create,
        tuple(comment(f"CONSTRAINT {name} ON {child.spelled}", row["comment"])),
        (f"ALTER TABLE {child.spelled} VALIDATE CONSTRAINT {name}",) if checked else (),
    )


def key_findings(row: Described, version: int) -> list[Finding]:
    """Why one foreign key cannot be made again in no time."""
    child, findings = relation(row["relation"]), []
    if child.kind == "p" and version < PARTITIONED_FROM:
        findings.append(
            Finding(
                "foreign-key-partitioned",
                f"the partitioned table {child} has the foreign key {row['name']} to the table; this server could make it again"
                " only by checking all rows under the lock",
                "Drop the foreign key first, and create it again after the change.",
            )
        )
    if row["switched"]:
        findings.append(
            Finding(
                "foreign-key-switched",
                f"the foreign key {row['name']} of {child} has triggers that are switched off or run on replicas; a key made"
                " again would check as usual",
                "Enable the triggers, or drop the foreign key, then run the same command again.",
            )
        )
    return findings
