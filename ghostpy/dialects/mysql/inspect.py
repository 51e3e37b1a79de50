"""A table's description, from information_schema."""

from __future__ import annotations

import re
from collections import defaultdict

from ghostpy.dialects.mysql import quote
from ghostpy.dialects.mysql.session import Session
from ghostpy.model.names import TableName
from ghostpy.model.table import Column, ForeignKey, Generated, Index, IndexPart, Table


async def table_exists(session: Session, name: TableName) -> bool:
    """Whether anything (table or view) has this name."""
    return bool(
        await session.scalar(
            "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = "
            f"{quote.text(name.schema)} AND TABLE_NAME = {quote.text(name.table)}",
            doing="looking for a table",
        )
    )


async def describe(session: Session, name: TableName) -> Table | None:
    """The table called `name` with what hangs on it, or None where there is none."""
    where = f"TABLE_SCHEMA = {quote.text(name.schema)} AND TABLE_NAME = {quote.text(name.table)}"
    found = await session.query(
        "SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE, ENGINE, TABLE_ROWS, DATA_LENGTH "
        f"FROM information_schema.TABLES WHERE {where}",
        doing=f"describing {name}",
    )
    if not found:
        return None
    schema, table, kind, engine, rows, size = found[0]
    actual = TableName(str(schema), str(table))
    if kind != "BASE TABLE":
        return Table(name=actual, kind=str(kind), engine=engine, columns=(), indexes=())
    created = await session.query(f"SHOW CREATE TABLE {quote.table(actual)}", doing=f"describing {name}")
    return Table(
        name=actual,
        kind=str(kind),
        engine=engine,
        columns=await _columns(session, where),
        indexes=await _indexes(session, where),
        row_estimate=int(rows or 0),
        data_bytes=int(size or 0),
        foreign_keys_out=await _foreign_keys(
            session, f"TABLE_SCHEMA = {quote.text(actual.schema)} AND TABLE_NAME = {quote.text(actual.table)}"
        ),
        foreign_keys_in=await _foreign_keys(
            session,
            f"REFERENCED_TABLE_SCHEMA = {quote.text(actual.schema)} AND REFERENCED_TABLE_NAME = {quote.text(actual.table)}",
        ),
        triggers=tuple(
            str(row[0])
            for row in await session.query(
                "SELECT TRIGGER_NAME FROM information_schema.TRIGGERS WHERE EVENT_OBJECT_SCHEMA = "
                f"{quote.text(actual.schema)} AND EVENT_OBJECT_TABLE = {quote.text(actual.table)} ORDER BY TRIGGER_NAME",
                doing=f"describing {name}",
            )
        ),
        create_sql=str(created[0][1]),
    )


async def _columns(session: Session, where: str) -> tuple[Column, ...]:
    rows = await session.query(
        "SELECT COLUMN_NAME, ORDINAL_POSITION, DATA_TYPE, COLUMN_TYPE, IS_NULLABLE, CHARACTER_SET_NAME, COLLATION_NAME, "
        "CHARACTER_MAXIMUM_LENGTH, NUMERIC_PRECISION, NUMERIC_SCALE, DATETIME_PRECISION, COLUMN_DEFAULT, EXTRA, "
        "GENERATION_EXPRESSION "
        f"FROM information_schema.COLUMNS WHERE {where} ORDER BY ORDINAL_POSITION",
        doing="describing columns",
    )
    columns = []
    for (name, position, data_type, full_type, nullable, charset, collation, length, precision, scale, fraction, default, extra, expression) in rows:  # fmt: skip
        kind, full, notes = str(data_type).lower(), str(full_type), str(extra or "").upper()
        has_default = default is not None or "DEFAULT_GENERATED" in notes
        if session.mariadb:
            default = None if default is None else _constant(str(default))
        elif expression:
            expression = unescaped(str(expression))
        columns.append(
            Column(
                name=str(name),
                position=int(position),
                data_type=kind,
                full_type=full,
                nullable=nullable == "YES",
                unsigned="unsigned" in full.lower().split("(")[-1] and kind not in ("enum", "set"),
                charset=charset,
                collation=collation,
                character_length=int(length) if length is not None else None,
                numeric_precision=int(precision) if precision is not None else None,
                numeric_scale=int(scale) if scale is not None else None,
                fraction_digits=int(fraction or 0),
                default=None if default is None else str(default),
                has_default=has_default,
                generated=_generated(notes),
                expression=str(expression) if expression else None,
                auto_increment="AUTO_INCREMENT" in notes,
                invisible="INVISIBLE" in notes,
                labels=labels(full) if kind in ("enum", "set") else (),
            )
        )
    return tuple(columns)


def _generated(notes: str) -> Generated:
    if "VIRTUAL GENERATED" in notes:
        return Generated.VIRTUAL
    if "STORED GENERATED" in notes or "PERSISTENT" in notes:
        return Generated.STORED
    return Generated.NO


def _constant(default: str) -> str | None:
    """The value of a default as MariaDB's information_schema has it, which is SQL; None for NULL and for expressions."""
    if len(default) > 1 and default[0] == default[-1] == "'":
        return unescaped(default[1:-1].replace("''", "'"))
    return default if re.fullmatch(r"-?[\d.]+", default) else None


def unescaped(expression: str) -> str:
    """An expression as MySQL's information_schema has it, which escapes the quotes within."""
    return re.sub(r"\\(.)", r"\1", expression)


def labels(full_type: str) -> tuple[str, ...]:
    """The members of an ENUM or SET from its COLUMN_TYPE, which doubles quotes inside of them."""
    return tuple(label.replace("''", "'") for label in re.findall(r"'((?:[^']|'')*)'", full_type))


async def _indexes(session: Session, where: str) -> tuple[Index, ...]:
    # EXPRESSION and IS_VISIBLE are MySQL 8.0's; SHOW INDEX has them where the server has them, by name.
    known = {
        str(row[0]).upper()
        for row in await session.query(
            "SELECT COLUMN_NAME FROM information_schema.COLUMNS "
            "WHERE TABLE_SCHEMA = 'information_schema' AND TABLE_NAME = 'STATISTICS'",
            doing="describing indexes",
        )
    }
    expression = "EXPRESSION" if "EXPRESSION" in known else "NULL"
    visible = "IS_VISIBLE" if "IS_VISIBLE" in known else "'YES'"
    rows = await session.query(
        f"SELECT INDEX_NAME, NON_UNIQUE, COLUMN_NAME, SUB_PART, {expression}, {visible}, INDEX_TYPE "
        f"FROM information_schema.STATISTICS WHERE {where} ORDER BY INDEX_NAME, SEQ_IN_INDEX",
        doing="describing indexes",
    )
    parts: dict[str, list[IndexPart]] = defaultdict(list)
    unique: dict[str, bool] = {}
    shown: dict[str, bool] = {}
    ordered: dict[str, bool] = {}
    for index, non_unique, column, prefix, written, visibility, kind in rows:
        parts[index].append(
            IndexPart(
                column=None if column is None else str(column),
                prefix=None if prefix is None else int(prefix),
                expression=None if written is None else unescaped(str(written)),
            )
        )
        unique[index] = not int(non_unique)
        shown[index] = visibility != "NO"
        ordered[index] = kind not in ("FULLTEXT", "SPATIAL")
    indexes = [
        Index(name=i, parts=tuple(p), unique=unique[i], visible=shown[i], ordered=ordered[i]) for i, p in parts.items()
    ]
    return tuple(sorted(indexes, key=lambda index: (index.name != "PRIMARY", index.name)))


async def _foreign_keys(session: Session, where: str) -> tuple[ForeignKey, ...]:
    rows = await session.query(
        "SELECT DISTINCT CONSTRAINT_NAME, TABLE_SCHEMA, TABLE_NAME, REFERENCED_TABLE_SCHEMA, REFERENCED_TABLE_NAME "
        f"FROM information_schema.KEY_COLUMN_USAGE WHERE REFERENCED_TABLE_NAME IS NOT NULL AND {where}",
        doing="describing foreign keys",
    )
    return tuple(
        ForeignKey(name=str(n), child=TableName(str(cs), str(ct)), parent=TableName(str(ps), str(pt)))
        for n, cs, ct, ps, pt in rows
    )
