UPDATE t SET v = {-3..10} WHERE id = {1..150};
BEGIN;
SET CONSTRAINTS not_negative DEFERRED;
UPDATE t SET v = -v WHERE id = {1..150};
UPDATE t SET v = abs(v);
COMMIT;
INSERT INTO t VALUES (1000 + {n}, {n});
