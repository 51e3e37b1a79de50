CREATE TABLE t (done boolean, n int, v int, PRIMARY KEY (done, n));
-- repeat 200
INSERT INTO t VALUES ({true|false}, {n}, {n});
