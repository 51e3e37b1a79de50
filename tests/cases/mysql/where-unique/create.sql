CREATE TABLE t (id INT PRIMARY KEY, mail VARCHAR(30), live INT);
-- repeat 150
INSERT INTO t VALUES ({n}, 'm{n}', 1), (1000 + {n}, 'm{n}', 0);
