UPDATE t SET b = {NULL|'z'} WHERE id = {1..150};
UPDATE t SET id = id + 100000 WHERE id = {1..150};
DELETE FROM t WHERE id = {1..150};
