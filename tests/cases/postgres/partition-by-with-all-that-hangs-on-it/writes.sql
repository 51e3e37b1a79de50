INSERT INTO t (id, code, at) VALUES (1000 + {n}, 1000 + {n}, '{2019|2020}-03-{10..28}');
UPDATE t SET at = '{2019|2020}-04-{10..28}' WHERE id = {1..150};
DELETE FROM t WHERE id = {20..150};
