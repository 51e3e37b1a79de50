CREATE TABLE t (id int PRIMARY KEY, v int, name text UNIQUE);
-- repeat 200
INSERT INTO t VALUES ({n}, {n}, 'n{n}');
