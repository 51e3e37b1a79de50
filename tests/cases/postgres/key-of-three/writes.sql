UPDATE t SET v = v + 1 WHERE b = {0..9} AND c = date '2024-01-01' + {1..40};
UPDATE t SET a = a || '{n}' WHERE b = {0..9} AND c = date '2024-01-01' + {1..40};
INSERT INTO t VALUES ({n}, 'three', -{n}, '2024-01-10');
DELETE FROM t WHERE b = {0..9} AND c = date '2024-01-01' + {1..40};
