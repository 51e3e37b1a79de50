UPDATE t SET v = v + 1 WHERE d IN ('infinity', '-infinity', '0044-03-15 BC');
UPDATE t SET v = v + 1 WHERE d = date '2024-01-01' + {1..200};
UPDATE t SET c = c + interval '1 us' WHERE d = date '2024-01-01' + {1..200};
INSERT INTO t VALUES (date '1999-01-01' - {n}, '00:00', 'infinity', {n});
DELETE FROM t WHERE d = date '2024-01-01' + {1..200};
