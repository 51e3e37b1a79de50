CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(50));
-- repeat 100
INSERT INTO t VALUES ({n}, 'é{n}');
INSERT INTO t VALUES (500, 'fine until 😀');
