CREATE TABLE t (a INT, b VARCHAR(50) NOT NULL, c INT NOT NULL, v INT, UNIQUE KEY nulls (a), UNIQUE KEY part (b(3), v), UNIQUE KEY good (c, b));
-- repeat 150
INSERT INTO t VALUES (NULL, 'b{n}', {n}, {n});
