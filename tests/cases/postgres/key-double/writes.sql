UPDATE t SET v = v + 1 WHERE id IN (0, 'NaN', 'Infinity', '-Infinity', 5e-324, 0.1, 0.30000000000000004, 0.3);
UPDATE t SET id = -id WHERE id = 0;
UPDATE t SET v = v + 1 WHERE id = ({1..150} / 7.0)::float8;
UPDATE t SET id = -id WHERE id = ({1..150} / 7.0)::float8;
INSERT INTO t VALUES (1000 + {n} / 3.0, {n});
DELETE FROM t WHERE id = ({1..150} / 7.0)::float8;
