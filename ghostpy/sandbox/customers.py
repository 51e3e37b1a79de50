"""A table of many types for the demo, and rows to write into it."""

from __future__ import annotations

import datetime
import random
from collections.abc import Mapping
from decimal import Decimal
from typing import ClassVar

from ghostpy.sandbox.writers import Values

_FIRST = (
    "Ada",
    "Barbara",
    "Chloé",
    "Dorothea",
    "Edsger",
    "Fumiko",
    "Grace",
    "Håkon",
    "Ines",
    "José",
    "Katherine",
    "Linus",
)
_LAST = (
    "Lovelace",
    "Liskov",
    "Müller",
    "Hopper",
    "Dijkstra",
    "Nakamura",
    "Núñez",
    "Ångström",
    "Johnson",
    "Ο'Brien",
    "Zoë",
)
_STATUS = ("new", "active", "paused", "closed")


class CustomerRows:
    """Rows of the demo's table, under the column names of before the change."""

    key = "id"
    renamed: ClassVar[Mapping[str, str]] = {"country": "country_code", "note": "remark"}
    create = """CREATE TABLE {table} (
        id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
        name VARCHAR(80) NOT NULL,
        email VARCHAR(120) CHARACTER SET latin1,
        country CHAR(2) NOT NULL DEFAULT 'DE',
        status ENUM('new', 'active', 'paused', 'closed') NOT NULL DEFAULT 'new',
        balance DECIMAL(12, 2) NOT NULL DEFAULT 0,
        score DOUBLE,
        born DATE,
        created DATETIME(3) NOT NULL,
        seen TIMESTAMP(6) NULL,
        settings JSON,
        token BINARY(8),
        note VARCHAR(200),
        KEY country_1 (country, status), KEY created_1 (created)
    ) DEFAULT CHARSET = utf8mb4"""
    fill = (
        "INSERT INTO {table} WITH RECURSIVE n (i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n WHERE i < {last}) "
        "SELECT i, CONCAT(ELT(1 + i % 6, 'Ada', 'Barbara', 'Chloé', 'José', 'Håkon', 'Grace'), ' ', "
        "ELT(1 + i DIV 6 % 5, 'Lovelace', 'Müller', 'Hopper', 'Núñez', 'Zoë')), "
        "IF(i % 7, CONCAT('user', i, '@example.org'), NULL), ELT(1 + i % 4, 'DE', 'FR', 'JP', 'US'), 1 + i % 4, "
        "i % 100000 / 100, i / 7, DATE_ADD('1950-01-01', INTERVAL i % 25000 DAY), "
        "DATE_ADD('2020-01-01', INTERVAL i SECOND), DATE_ADD('2024-01-01', INTERVAL i * 1001 MICROSECOND), "
        "IF(i % 3, JSON_OBJECT('theme', 'dark', 'n', i), NULL), UNHEX(LPAD(HEX(i), 16, '0')), NULL FROM n"
    )

    def whole(self, rng: random.Random) -> Values:
        """All values of a new row but its key."""
        return {
            "name": f"{rng.choice(_FIRST)} {rng.choice(_LAST)}",
            "email": f"user{rng.randrange(10**9)}@example.org",
            "country": rng.choice(("DE", "FR", "JP", "US")),
            "status": rng.choice(_STATUS),
            "balance": Decimal(rng.randrange(10**8)).scaleb(-2),
            "born": datetime.date(1950, 1, 1) + datetime.timedelta(days=rng.randrange(25_000)),
            "created": datetime.datetime(2020, 1, 1) + datetime.timedelta(milliseconds=rng.randrange(10**10)),
            "token": rng.randbytes(8),
            "note": rng.choice((None, "ünïcödé 🚀", "plain", " blanks  ", "")),
        }

    def some(self, rng: random.Random) -> Values:
        """What an update sets."""
        values = self.whole(rng)
        return {name: values[name] for name in rng.sample(list(values), 2)}
