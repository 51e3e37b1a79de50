CREATE TABLE t (id INT PRIMARY KEY, j TEXT);
-- repeat 150
INSERT INTO t VALUES ({n}, '{"b": {n}, "a": [1.0, "é😀", null], "b2": {"x": 1e3}}');
