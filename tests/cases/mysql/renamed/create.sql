CREATE TABLE t (id INT PRIMARY KEY, a INT, b INT, c VARCHAR(20), d VARCHAR(20), f INT, INDEX (c));
-- repeat 150
INSERT INTO t VALUES ({n}, {n}, -{n}, 'c{n}', 'd{n}', {n});
