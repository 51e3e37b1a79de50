UPDATE t SET v = v + 1 WHERE n = {1..200};
UPDATE t SET s = {'small'|'big'|'medium'} WHERE n = {1..200};
INSERT INTO t VALUES ('big', 1000 + {n}, {n});
DELETE FROM t WHERE n = {1..200} AND s < 'medium';
