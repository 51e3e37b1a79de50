UPDATE t SET name = '{ö|o|O}-{n}' WHERE id = {1..150};
UPDATE t SET free = repeat('free', {1..2000}) WHERE id = {1..150};
INSERT INTO t VALUES (1000 + {n}, 'new {n}', NULL);
DELETE FROM t WHERE id = {1..150};
