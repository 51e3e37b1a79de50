CREATE TABLE t (id int PRIMARY KEY, b boolean, d boolean NOT NULL DEFAULT true);
-- repeat 200
INSERT INTO t VALUES ({n}, {true|false|NULL}, {true|false});
