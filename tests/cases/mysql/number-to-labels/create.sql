CREATE TABLE t (id INT PRIMARY KEY, a TINYINT, b TINYINT);
-- repeat 60
INSERT INTO t VALUES ({n}, 1 + {n} % 3, 1 + {n} % 2);
