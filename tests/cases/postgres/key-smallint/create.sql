CREATE TABLE t (id smallint PRIMARY KEY, v int);
INSERT INTO t VALUES (-32768, 1), (32767, 2), (0, 3), (-1, 4);
-- repeat 150
INSERT INTO t VALUES ({n}, {n});
