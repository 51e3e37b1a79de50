"""What a table looks like to people: all that hangs on it, in the same order each time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from ghostpy import sandbox
from ghostpy.dialects.mysql.housekeeping import Housekeeper
from ghostpy.dialects.postgres.definition import definition_of
from ghostpy.dialects.postgres.session import opened
from ghostpy.model.names import TableName, helper_names
from ghostpy.settings import ConnectSettings

NewDatabase = Callable[[sandbox.Server], str]

MADE = """
CREATE TABLE other (id int PRIMARY KEY);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TABLE "T %1" (
    id bigint GENERATED ALWAYS AS IDENTITY,
    a varchar(20) COLLATE "C" DEFAULT 'x' NOT NULL,
    b int REFERENCES other CHECK (b > 0),
    c int GENERATED ALWAYS AS (b * 2) STORED,
    PRIMARY KEY (id), UNIQUE (a)
) WITH (fillfactor = 70);
CREATE INDEX by_b ON "T %1" (b DESC) WHERE b > 7;
CREATE TRIGGER noting BEFORE INSERT ON "T %1" FOR EACH ROW EXECUTE FUNCTION note();
CREATE STATISTICS both_of (ndistinct) ON a, b FROM "T %1";
CREATE POLICY mine ON "T %1" USING (a = current_user);
ALTER TABLE "T %1" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "T %1" REPLICA IDENTITY FULL;
GRANT SELECT ON "T %1" TO PUBLIC;
COMMENT ON TABLE "T %1" IS 'a comment';
COMMENT ON COLUMN "T %1".b IS 'of a column';
"""
EXPECTED = """\
CREATE TABLE public."T %1" (
    id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    a character varying(20) COLLATE "C" NOT NULL DEFAULT 'x'::character varying,
    b integer,
    c integer GENERATED ALWAYS AS ((b * 2)) STORED,
    CONSTRAINT "T %1_pkey" PRIMARY KEY (id),
    CONSTRAINT "T %1_a_key" UNIQUE (a),
    CONSTRAINT "T %1_b_check" CHECK ((b > 0)),
    CONSTRAINT "T %1_b_fkey" FOREIGN KEY (b) REFERENCES other(id)
) WITH (fillfactor=70);
CREATE INDEX by_b ON public."T %1" USING btree (b DESC) WHERE (b > 7);
CREATE TRIGGER noting BEFORE INSERT ON public."T %1" FOR EACH ROW EXECUTE FUNCTION note();
CREATE POLICY mine USING (((a)::text = CURRENT_USER));
CREATE STATISTICS public.both_of (ndistinct) ON a, b FROM "T %1";
COMMENT ON COLUMN b IS 'of a column';
ENABLE ROW LEVEL SECURITY;
REPLICA IDENTITY FULL;
OWNER postgres;
GRANTS {postgres=PRIVILEGES/postgres,=r/postgres};
COMMENT a comment;"""


@pytest.mark.parametrize("version", [14, 18])
def test_on_postgres(
    postgres_with: Callable[[int, sandbox.Options], sandbox.PostgresServer], new_database: NewDatabase, version: int
) -> None:
    server = postgres_with(version, {})
    database = new_database(server)
    dsn = f"postgresql://{server.user}@{server.host}:{server.port}/{database}"

    async def told() -> tuple[str, str]:
        async with opened(ConnectSettings(dialect="postgres", dsn=dsn), purpose="test") as session:
            await session.execute(MADE, doing="making a table")
            name = TableName("public", "T %1")
            return await definition_of(session, name), await definition_of(session, TableName("public", "none"))

    found, none = asyncio.run(told())
    # From 17 on there is the privilege to MAINTAIN.
    privileges = "arwdDxtm" if version >= 17 else "arwdDxt"
    assert found == EXPECTED.replace("PRIVILEGES", privileges)
    assert none == ""


@pytest.mark.parametrize("kind", ["mysql", "mariadb"])
def test_on_mysql(request: pytest.FixtureRequest, new_database: NewDatabase, kind: str) -> None:
    server: sandbox.Server = request.getfixturevalue(kind)
    database = new_database(server)
    server.execute(
        f"CREATE TABLE {database}.`t` (id INT AUTO_INCREMENT PRIMARY KEY, v INT)",
        f"INSERT INTO {database}.`t` (v) VALUES (1), (2)",
    )
    source = TableName(database, "t")
    settings = ConnectSettings(host=server.host, port=server.port, user=server.user)

    async def told() -> str:
        keeper = Housekeeper(settings, source, helper_names(source, limit=64), "ADD c INT")
        await keeper.open()
        try:
            return await keeper.definition()
        finally:
            await keeper.close()

    found = asyncio.run(told())
    assert found.startswith("CREATE TABLE `t` (\n  `id` int")
    # The counter moves with every row, and is no difference.
    assert "AUTO_INCREMENT=" not in found
