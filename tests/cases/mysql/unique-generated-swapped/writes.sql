BEGIN;
SET @low = {1..100}, @high = {201..300};
SELECT place INTO @place FROM t WHERE id = @low;
UPDATE t SET place = 1000 + {n} WHERE id = @low;
UPDATE t SET place = @place WHERE id = @high;
COMMIT;
