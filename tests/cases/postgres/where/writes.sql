UPDATE t SET v = {NULL|49|50} WHERE id = {1..150};
UPDATE t SET v = {0..100} WHERE id = {1..150};
UPDATE t SET w = {NULL|'drop'|'keep'} WHERE id = {1..150};
UPDATE t SET v = 100 - v WHERE id BETWEEN 10 AND 50;
INSERT INTO t VALUES (1000 + {n}, {0..100}, NULL);
DELETE FROM t WHERE id = {1..150};
