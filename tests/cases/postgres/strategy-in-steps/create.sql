CREATE TABLE p (id int PRIMARY KEY);
INSERT INTO p SELECT generate_series(1, 9);
CREATE TABLE t (id int PRIMARY KEY, v int, p int);
-- repeat 150
INSERT INTO t VALUES ({n}, {n}, {1..9});
