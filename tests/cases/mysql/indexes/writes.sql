UPDATE t SET a = {1..50}, b = CONCAT('new word ', {n}) WHERE id = {1..150};
UPDATE t SET j = JSON_OBJECT('tags', JSON_ARRAY({1..9}, {1..9})) WHERE id = {1..150};
INSERT INTO t VALUES (1000 + {n}, {n}, 'text', NULL);
DELETE FROM t WHERE id = {1..150};
