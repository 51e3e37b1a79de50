UPDATE t SET j = JSON_SET(j, '$.n', {1..1000}) WHERE id = {1..125} AND j IS NOT NULL AND id <> 4;
UPDATE t SET j = {NULL|'null'|JSON_OBJECT()|'[1.0, 1, "1", true]'|JSON_OBJECT('n', 7)} WHERE id = {1..125} AND id <> 4;
UPDATE t SET k = JSON_ARRAY({n}, CAST(NOW(6) AS DATETIME(6)), 0.1e0, 0.10) WHERE id = {1..125};
INSERT INTO t (id, j, k) VALUES (1000 + {n}, '{"n": 3, "deep": [[[[{"x": []}]]]]}', '"{n}"');
DELETE FROM t WHERE id = {6..125};
