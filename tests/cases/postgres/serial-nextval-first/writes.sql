BEGIN;
SELECT nextval('t_id_seq');
INSERT INTO t (id, v) VALUES (currval('t_id_seq'), {n});
COMMIT;
BEGIN;
UPDATE t SET v = v + 1 WHERE id = {1..150};
INSERT INTO t (v) VALUES ({n});
COMMIT;
DELETE FROM t WHERE id = {1..150};
