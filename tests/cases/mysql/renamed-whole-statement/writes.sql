UPDATE t SET v = v + 1 WHERE a = {1..150};
UPDATE t SET b = UPPER(b) WHERE a = {1..150};
INSERT INTO t (a, b) VALUES (1000 + {n}, 'new');
DELETE FROM t WHERE a = {1..150};
