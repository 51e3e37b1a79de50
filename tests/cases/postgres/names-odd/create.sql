CREATE SCHEMA "My ""schema"".x";
CREATE TABLE "My ""schema"".x"."select from ""Größe"" 表.%s" ("primary key" int, "order" int, "weiß '" int, "%d" int, "Select" varchar(9), PRIMARY KEY ("primary key", "Select"));
CREATE INDEX "in""dex" ON "My ""schema"".x"."select from ""Größe"" 表.%s" ("%d");
-- repeat 150
INSERT INTO "My ""schema"".x"."select from ""Größe"" 表.%s" VALUES ({n}, {n}, {n}, {n}, 'a"''%s');
