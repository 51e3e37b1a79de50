CREATE TABLE t (id INT PRIMARY KEY, tenant INT NOT NULL, v INT);
-- repeat 150
INSERT INTO t VALUES ({n}, {1..3}, {n});
