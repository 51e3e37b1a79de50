CREATE TABLE t (id INT PRIMARY KEY, code VARCHAR(20) NOT NULL, v INT, UNIQUE (code));
-- repeat 150
INSERT INTO t VALUES ({n}, 'c{n}', {n});
