UPDATE t SET v = v + 1 WHERE id = {1..150};
UPDATE t SET p = {1..120} WHERE id = {1..150};
INSERT INTO t VALUES (1000 + {n}, {1..100}, 0);
INSERT INTO c (t_id) VALUES ({1..200});
DELETE FROM t WHERE id = {2..150};
