CREATE TABLE t (a INT NOT NULL, g INT AS (a * 2) STORED, v INT, PRIMARY KEY (g));
-- repeat 150
INSERT INTO t (a, v) VALUES ({n}, {n});
