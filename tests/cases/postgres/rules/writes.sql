UPDATE t SET v = v + 1 WHERE id = {1..150};
DELETE FROM t WHERE id = {1..150};
INSERT INTO side VALUES (1000 + {n});
UPDATE t SET id = id + 100000 WHERE id = {20..150};
