INSERT INTO t (day, v) VALUES ({1..300}, 'w{n}');
UPDATE t SET day = {1..300} WHERE id = {1..150};
UPDATE t SET v = 'x{n}' WHERE id = {1..150};
DELETE FROM t WHERE id = {20..150};
UPDATE t SET id = id + 100000, day = {1..300} WHERE id = {20..150};
