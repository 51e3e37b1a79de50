CREATE TABLE t (id INT PRIMARY KEY, place INT NOT NULL, name VARCHAR(20), UNIQUE (place), UNIQUE (name, place));
-- repeat 300
INSERT INTO t VALUES ({n}, {n}, 'n{n}');
DELETE FROM t WHERE id = 61;
