CREATE TABLE t (id INT PRIMARY KEY, v INT, s VARCHAR(20));
-- repeat 150
INSERT INTO t VALUES ({n}, {n}, '{n}');
