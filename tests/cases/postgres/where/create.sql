CREATE TABLE t (id int PRIMARY KEY, v int, w text);
-- repeat 150
INSERT INTO t VALUES ({n}, {0..100}, {NULL|'drop'|'keep'});
