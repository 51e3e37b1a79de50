UPDATE a SET v = v + 1 WHERE id = {11..150};
INSERT INTO a (id) VALUES (1000 + {n});
INSERT INTO a (id, v) VALUES (1000000 + {n}, {1..20});
UPDATE b SET w = 'c' WHERE id = {1..150};
DELETE FROM a WHERE id = {11..150};
UPDATE t SET v = {1..20} WHERE id = {1..150};
