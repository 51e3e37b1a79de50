UPDATE t SET b = b || '+' WHERE a = {1..200};
INSERT INTO t (a, b) VALUES (1000 + {n}, '');
DELETE FROM t WHERE a = {1..200};
UPDATE t SET a = a + 100000 WHERE a = {1..200};
