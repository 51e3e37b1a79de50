CREATE TABLE t (j jsonb PRIMARY KEY, v int);
INSERT INTO t VALUES ('null', 1), ('""', 2), ('"it''s \\ \" 😀"', 3), ('{"b": 1.0, "a": []}', 4), ('1', 5);
-- repeat 150
INSERT INTO t VALUES ('[{n}, "k"]', {n});
