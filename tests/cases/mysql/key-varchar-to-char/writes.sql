UPDATE t SET v = v + 1 WHERE k = 'Ü{1..150}';
UPDATE t SET k = CONCAT('é', k) WHERE k = 'ü{1..150}';
INSERT INTO t VALUES ('{n}', 1);
DELETE FROM t WHERE k = 'ü{1..150}';
