CREATE TABLE t (id INT PRIMARY KEY, v INT CHECK (v >= 0));
-- repeat 150
INSERT INTO t VALUES ({n}, {n});
