UPDATE t SET v = v + 1 WHERE code = 'c{1..150}';
UPDATE t SET code = 'd{n}' WHERE code = 'c{1..150}   ';
INSERT INTO t VALUES ('n{n}', 1000 + {n}, {n});
DELETE FROM t WHERE code = 'c{1..150}';
