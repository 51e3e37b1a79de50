CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(30), c CHAR(10), d DATE);
-- repeat 150
INSERT INTO t VALUES ({n}, 'it''s \\ {n}', 'c', NULL);
