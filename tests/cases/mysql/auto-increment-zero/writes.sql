UPDATE t SET v = v + 1 WHERE id = 0;
UPDATE t SET v = v + 1 WHERE id IN (-5, {1..150});
INSERT INTO t (v) VALUES ({n});
BEGIN;
DELETE FROM t WHERE id = 0;
INSERT INTO t (id, v) VALUES (0, {n});
COMMIT;
DELETE FROM t WHERE id = {1..150};
