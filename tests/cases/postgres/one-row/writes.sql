UPDATE t SET v = v + 1;
BEGIN;
DELETE FROM t WHERE id = 1;
INSERT INTO t VALUES (1, {n});
COMMIT;
UPDATE t SET id = -id;
UPDATE t SET id = abs(id);
