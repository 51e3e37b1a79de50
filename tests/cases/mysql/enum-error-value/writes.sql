UPDATE t SET e = {0|1|2|NULL} WHERE id = {1..150};
INSERT INTO t (id, e) VALUES (1000 + {n}, 0);
DELETE FROM t WHERE id = {1..150};
