UPDATE "My ""schema"".x"."select from ""Größe"" 表.%s" SET "order" = "order" + 1, "%d" = 5 WHERE "primary key" = {1..150};
INSERT INTO "My ""schema"".x"."select from ""Größe"" 表.%s" VALUES (1000 + {n}, 1, 2, 3, 'b');
DELETE FROM "My ""schema"".x"."select from ""Größe"" 表.%s" WHERE "primary key" = {1..150};
