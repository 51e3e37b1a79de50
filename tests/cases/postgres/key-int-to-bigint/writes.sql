UPDATE t SET v = 'w{n}' WHERE id = {1..200};
UPDATE t SET v = 'x{n}' WHERE id IN (-2147483648, 2147483647, 0);
INSERT INTO t (v) VALUES ('new {n}');
DELETE FROM t WHERE id = {1..200};
UPDATE t SET id = -id WHERE id = {1..200};
