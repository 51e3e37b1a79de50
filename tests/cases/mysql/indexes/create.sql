CREATE TABLE t (
  id INT PRIMARY KEY, a INT, b VARCHAR(200), j JSON, INDEX f1 ((a * 2)), INDEX f2 ((UPPER(b)), a DESC), INDEX p1 (b(5), a), INDEX d1 (a DESC, id),
  INDEX hidden (a) INVISIBLE, INDEX mv ((CAST(j->'$.tags' AS UNSIGNED ARRAY))), FULLTEXT ft (b)
);
-- repeat 150
INSERT INTO t VALUES ({n}, {1..50}, REPEAT('word ', {1..30}), '{"tags": [1, 2, {n}]}');
