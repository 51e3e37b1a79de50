UPDATE t SET v = {1..99} WHERE n = {1..200};
UPDATE t SET done = NOT done WHERE n = {1..200};
INSERT INTO t VALUES (false, 1000 + {n}, {n});
DELETE FROM t WHERE n = {1..200} AND done;
