CREATE TABLE t (id INT PRIMARY KEY, v INT, w VARCHAR(10));
-- repeat 150
INSERT INTO t VALUES ({n}, {0..100}, {NULL|'drop'|'keep'});
