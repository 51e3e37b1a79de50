UPDATE t SET v = v + 1 WHERE code IN ('', 'é ', '''', '😀');
UPDATE t SET code = 'd{n}' WHERE code = 'c{1..150}   ';
INSERT INTO t VALUES ('n{n}', {n}) ON CONFLICT DO NOTHING;
DELETE FROM t WHERE code = 'c{1..150}';
