UPDATE t SET v = v + 1 WHERE code IN ('a', 'a ', 'a  ');
UPDATE t SET code = code || ' ' WHERE code = 'c{1..150}';
INSERT INTO t VALUES ('n{n} ', {n});
DELETE FROM t WHERE code = 'c{1..150}';
