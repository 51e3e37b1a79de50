UPDATE t SET v = v + 1 WHERE k IN ('', X'00', 'a ', X'6100', X'F09F');
UPDATE t SET k = CONCAT(k, X'00') WHERE k = 'k{1..150}';
INSERT INTO t VALUES (CONCAT(X'FF', {n}), 1);
DELETE FROM t WHERE k = 'k{1..150}';
