UPDATE t SET v = v + 1 WHERE e = {'zebra'|'ant'|'mouse'} AND n = {1..50};
INSERT INTO t VALUES ('{ant|zebra}', 100 + {n}, 1);
UPDATE t SET e = 'Mouse', n = n + 100000 WHERE e = 'ant' AND n = {1..50};
DELETE FROM t WHERE e = {'zebra'|'ant'} AND n = {1..50};
