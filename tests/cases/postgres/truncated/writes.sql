INSERT INTO t VALUES (1000 + {n}, {n});
UPDATE t SET v = v + 1;
TRUNCATE t;
