INSERT INTO t VALUES (1000 + {n}, '{de|at|fr}', {1..9}, 1000 + {n});
UPDATE t SET land = '{de|at|fr}', shop = {1..9} WHERE id = {1..150};
BEGIN;
UPDATE t SET code = -code WHERE id = {1..150};
COMMIT;
DELETE FROM t WHERE id = {20..150};
