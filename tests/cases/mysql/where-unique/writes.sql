BEGIN;
UPDATE t SET live = 0 WHERE id = 5;
UPDATE t SET live = 1 WHERE id = 1005;
COMMIT;
BEGIN;
UPDATE t SET live = 0 WHERE id = 1005;
UPDATE t SET live = 1 WHERE id = 5;
COMMIT;
INSERT INTO t VALUES (10000 + {n}, 'new{n}', 1);
