UPDATE t SET b = REPEAT(X'{10..99}', {0..1000000}) WHERE id = {1..16};
UPDATE t SET t1 = REPEAT('漢', {0..10000}) WHERE id = {1..16};
BEGIN;
DELETE FROM t WHERE id = 3;
INSERT INTO t (id, b) VALUES (3, 'small again');
COMMIT;
