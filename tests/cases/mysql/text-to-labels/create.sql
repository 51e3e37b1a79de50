CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(20) COLLATE utf8mb4_bin, b CHAR(10));
-- repeat 60
INSERT INTO t VALUES ({n}, 'x', 'y');
