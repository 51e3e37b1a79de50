CREATE TABLE t (a INT, b VARCHAR(20), v INT, PRIMARY KEY (a, b));
-- repeat 150
INSERT INTO t VALUES ({n}, 'b{n}', 0);
