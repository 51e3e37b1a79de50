CREATE TABLE t (id INT PRIMARY KEY, e ENUM('red','green'));
-- repeat 150
INSERT INTO t VALUES ({n}, {0|1|2});
