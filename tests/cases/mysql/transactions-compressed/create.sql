CREATE TABLE t (id INT PRIMARY KEY, v INT, pad CHAR(200));
-- repeat 300
INSERT INTO t VALUES ({n}, {n}, 'x');
