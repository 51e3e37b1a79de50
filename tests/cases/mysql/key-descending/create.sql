CREATE TABLE t (a INT, b INT, v INT, PRIMARY KEY (a DESC, b));
-- repeat 150
INSERT INTO t VALUES ({n} % 7, {n}, 0);
