UPDATE t SET v = v + 1 WHERE id = {1..200};
INSERT INTO t (v) VALUES ({n});
DELETE FROM t WHERE id = {1..200};
UPDATE t SET id = -id WHERE id = {1..200};
