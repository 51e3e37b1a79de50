UPDATE t SET v = v + 1 WHERE n IN ('', 'é ', '''');
UPDATE t SET v = v + 1, c = {'b'|'c'|''''} WHERE n = 'n{1..150}';
INSERT INTO t VALUES ('m{n}', '', {n});
DELETE FROM t WHERE n = 'n{1..150}';
