UPDATE t SET v = v + 1 WHERE u = '{1..150}';
UPDATE t SET g = '啊', s = 'ソ表' WHERE u = '{1..150}';
UPDATE t SET u = CONCAT('😀', u) WHERE u = '{1..150}';
INSERT INTO t (g, s, u, v) VALUES ('''', '\\', 'n{n}', 0);
DELETE FROM t WHERE u = '{1..150}';
