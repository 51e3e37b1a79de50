INSERT INTO t (a, b) VALUES ({1..9}, {n});
UPDATE t SET a = a + 1 WHERE id = {1..150};
DELETE FROM t WHERE id = {20..150};
UPDATE t SET up = {1..15} WHERE id = {1..150};
INSERT INTO child (t_id) VALUES ({1..15});
