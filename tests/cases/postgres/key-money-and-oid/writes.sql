UPDATE t SET v = v + 1 WHERE o IN (0, 4294967295);
UPDATE t SET v = v + 1 WHERE o = {1..150}::oid;
UPDATE t SET m = m * -1, l = l + 1 WHERE o = {1..150}::oid;
INSERT INTO t VALUES ({n}, 1000 + {n}, '1/{10..99}', {n});
DELETE FROM t WHERE o = {1..150}::oid;
