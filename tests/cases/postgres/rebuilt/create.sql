CREATE TABLE t (id int PRIMARY KEY, v int, w text);
-- repeat 150
INSERT INTO t VALUES ({n}, {n}, 'w');
