CREATE TABLE t (id INT PRIMARY KEY, j JSON);
-- repeat 150
INSERT INTO t VALUES ({n}, '{"b": {n}, "a": [1.0, "é😀", null]}');
