UPDATE t SET b = {1..9}, e = {1..9}, g = NULL WHERE id = {1..150};
UPDATE t SET f = f + 1000 WHERE id = {1..150};
INSERT INTO t VALUES (1000 + {n}, 1, 2, 3, -{n}, 4);
DELETE FROM t WHERE id = {1..150};
