UPDATE t SET a = JSON_SET(a, '$.n', {0..9}) WHERE id = {1..150};
UPDATE t SET v = v + 1 WHERE id = {1..150};
UPDATE t SET id = id + 100000, b = JSON_SET(b, '$[0]', {0..9}) WHERE id = {1..150};
INSERT INTO t (id, a) VALUES (1000 + {n}, '[1]');
DELETE FROM t WHERE id = {1..150};
