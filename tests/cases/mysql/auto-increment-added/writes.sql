UPDATE t SET v = v + 1 WHERE code = 'c{1..150}';
INSERT INTO t (code, v) VALUES ('new{n}', 0);
DELETE FROM t WHERE code = 'c{1..150}';
