UPDATE t SET v = v + 1 WHERE id = {1..150};
UPDATE t SET d = d + INTERVAL 1 YEAR WHERE id = {1..150};
INSERT INTO t (id, d, v) VALUES (1000 + {n}, '202{2..9}-06-06', 0);
DELETE FROM t WHERE id = {1..150};
