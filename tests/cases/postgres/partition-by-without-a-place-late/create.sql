CREATE TABLE t (id int PRIMARY KEY, day int NOT NULL);
-- repeat 150
INSERT INTO t VALUES ({n}, {0..99});
