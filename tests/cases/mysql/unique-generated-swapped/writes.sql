BEGIN;
UPDATE t SET place = -place WHERE id IN (10, 140);
UPDATE t SET place = IF(id = 10, 140, 10) WHERE id IN (10, 140);
COMMIT;
BEGIN;
UPDATE t SET place = -place WHERE id IN (10, 140);
UPDATE t SET place = IF(id = 10, 10, 140) WHERE id IN (10, 140);
COMMIT;
