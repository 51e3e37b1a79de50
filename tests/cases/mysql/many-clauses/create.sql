CREATE TABLE t (id INT PRIMARY KEY, a INT NOT NULL, b VARCHAR(20), c CHAR(3), gone INT, INDEX old (a), INDEX keep (c, a));
-- repeat 150
INSERT INTO t VALUES ({n}, {n}, 'é{n}', 'c', {n});
