UPDATE t SET v = v + 1 WHERE n = {1..150} + 13;
UPDATE t SET v = v + 1 WHERE c IN ('', 'o''c');
UPDATE t SET n = -n, c = c || 'z' WHERE n = {1..150} + 13;
INSERT INTO t VALUES (1000 + {n}, 'new', {n});
DELETE FROM t WHERE n = {1..150} + 13;
