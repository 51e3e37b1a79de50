CREATE TABLE t (id INT PRIMARY KEY, v INT, w INT, keep INT);
-- repeat 150
INSERT INTO t VALUES ({n}, {n}, {n}, {n});
