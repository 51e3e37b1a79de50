UPDATE t SET d = d + 1 WHERE id = {1..150};
UPDATE t SET b = CONCAT(b, 'x'), c = {NULL|'y'} WHERE id = {1..150};
INSERT INTO t (id, b) VALUES (1000 + {n}, 'new');
DELETE FROM t WHERE id = {1..150};
