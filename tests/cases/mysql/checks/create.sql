CREATE TABLE t (id INT PRIMARY KEY, a INT CHECK (a >= 0), b INT, CHECK (a + b < 100000));
-- repeat 150
INSERT INTO t VALUES ({n}, {n}, 0);
