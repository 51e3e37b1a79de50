CREATE TABLE t (a INT, b INT, PRIMARY KEY (a, b));
-- repeat 150
INSERT INTO t VALUES ({n} % 10, {n});
