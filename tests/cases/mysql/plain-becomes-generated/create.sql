CREATE TABLE t (id INT PRIMARY KEY, a INT NOT NULL, p INT);
-- repeat 150
INSERT INTO t (id, a, p) VALUES ({n}, {1..1000}, 0);
