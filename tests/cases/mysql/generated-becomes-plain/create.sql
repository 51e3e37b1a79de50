CREATE TABLE t (id INT PRIMARY KEY, a INT NOT NULL, g INT AS (a + 1) STORED, p INT);
-- repeat 150
INSERT INTO t (id, a) VALUES ({n}, {1..1000});
