CREATE TABLE t (a int, b text, PRIMARY KEY (a, b));
-- repeat 200
INSERT INTO t VALUES ({n}, 'b{n}');
