UPDATE t SET v = v + 1 WHERE name = 'name number {1..150}';
INSERT INTO t (name, v) VALUES ('new {n}', 0);
DELETE FROM t WHERE name = 'name number {1..150}';
