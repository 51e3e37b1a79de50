CREATE TABLE t (id INT PRIMARY KEY, j TEXT);
-- repeat 150
INSERT INTO t VALUES ({n}, '[{n}]');
INSERT INTO t VALUES (200, '{not json');
