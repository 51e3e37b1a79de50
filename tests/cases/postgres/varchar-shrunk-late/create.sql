CREATE TABLE t (id int PRIMARY KEY, v varchar(20));
-- repeat 150
INSERT INTO t VALUES ({n}, 'v');
