UPDATE t SET mail = 'n{n}@example.org' WHERE id = {1..200};
UPDATE t SET mail = NULL, place = {1..9} WHERE id = {1..200};
INSERT INTO t VALUES (1000 + {n}, 'new{n}@example.org', 0);
DELETE FROM t WHERE id = {1..200};
