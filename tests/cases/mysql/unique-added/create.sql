CREATE TABLE t (id INT PRIMARY KEY, mail VARCHAR(50), n INT);
-- repeat 150
INSERT INTO t VALUES ({n}, 'm{n}@example.org', 0);
