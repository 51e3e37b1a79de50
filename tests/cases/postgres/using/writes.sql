UPDATE t SET v = {1..99}, w = {1..99} WHERE id = {1..150};
UPDATE t SET s = {'it''s, 1'|''|NULL}, "Name" = {NULL|'x'} WHERE id = {1..150};
INSERT INTO t VALUES (1000 + {n}, 1, {n}, 's', NULL);
DELETE FROM t WHERE id = {1..150};
