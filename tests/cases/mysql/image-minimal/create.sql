CREATE TABLE t (a INT, b VARCHAR(20), c BLOB, d INT, PRIMARY KEY (b, a));
-- repeat 150
INSERT INTO t VALUES ({n}, 'b{n}', REPEAT('x', 1000), {n});
