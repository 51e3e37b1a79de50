UPDATE t SET body = 'dogs {run|running} over {n}', q = {'a | b'|'a:*'|''} WHERE id = {1..150};
UPDATE t SET body = NULL WHERE id = {1..150};
INSERT INTO t (id, body) VALUES (1000 + {n}, 'new words {n}');
DELETE FROM t WHERE id = {1..150};
UPDATE t SET id = id + 100000 WHERE id = {1..150};
