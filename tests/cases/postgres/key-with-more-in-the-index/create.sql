CREATE TABLE t (id int, v int, w text, PRIMARY KEY (id) INCLUDE (v, w));
-- repeat 200
INSERT INTO t VALUES ({n}, {n}, 'w{n}');
