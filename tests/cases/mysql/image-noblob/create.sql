CREATE TABLE t (id INT PRIMARY KEY, b TEXT, c BLOB, d INT, e JSON);
-- repeat 150
INSERT INTO t VALUES ({n}, 'b{n}', REPEAT('x', 1000), {n}, '[]');
