CREATE TABLE t (id INT INVISIBLE PRIMARY KEY, a INT INVISIBLE, b INT);
-- repeat 150
INSERT INTO t (id, a, b) VALUES ({n}, {n}, {n});
