UPDATE t SET b = {true|false|NULL} WHERE id = {1..200};
UPDATE t SET d = NOT d WHERE id BETWEEN {1..100} AND 150;
INSERT INTO t (id, b) VALUES (1000 + {n}, false);
DELETE FROM t WHERE id = {1..200};
