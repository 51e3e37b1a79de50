CREATE TABLE t (id INT PRIMARY KEY, mail VARCHAR(50));
-- repeat 150
INSERT INTO t VALUES ({n}, 'm{n}@example.org');
