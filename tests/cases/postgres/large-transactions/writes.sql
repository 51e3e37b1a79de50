UPDATE t SET v = v + 1;
UPDATE t SET v = -v WHERE id % 3 = {0..2};
BEGIN;
DELETE FROM t WHERE id > 1600;
INSERT INTO t SELECT n, {n} FROM generate_series(1601, 2000) n;
COMMIT;
UPDATE t SET id = -id WHERE id % 7 = {0..6} AND abs(id) <= 1600;
