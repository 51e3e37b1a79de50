CREATE TABLE t (id INT PRIMARY KEY, n INT, name VARCHAR(30), UNIQUE INDEX low ((LOWER(name))));
-- repeat 100
INSERT INTO t VALUES ({n}, {n}, 'Name {n}');
