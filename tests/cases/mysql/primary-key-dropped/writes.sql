UPDATE t SET v = v + 1 WHERE code = 'c{1..150}';
INSERT INTO t (id, code, v) VALUES (1000 + {n}, 'new{n}', 0);
UPDATE t SET code = CONCAT(code, 'x') WHERE code = 'c{1..150}';
DELETE FROM t WHERE code = 'c{1..150}';
