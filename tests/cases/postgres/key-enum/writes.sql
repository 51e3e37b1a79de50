UPDATE t SET v = v + 1 WHERE n = {1..200};
UPDATE t SET s = {'small'|'it''s big'|'medium'|''|'tiny'} WHERE n = {1..200};
INSERT INTO t VALUES ('tiny', 1000 + {n}, {n});
DELETE FROM t WHERE n = {1..200} AND s < 'medium';
