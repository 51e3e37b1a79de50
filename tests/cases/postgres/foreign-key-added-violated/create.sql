CREATE TABLE p (id int PRIMARY KEY);
INSERT INTO p SELECT generate_series(1, 50);
CREATE TABLE t (id int PRIMARY KEY, v int);
-- repeat 150
INSERT INTO t VALUES ({n}, {1..50});
INSERT INTO t VALUES (777, 51);
