CREATE TABLE t (s SET('a','b','c','d','e','f','g','h') PRIMARY KEY, v INT);
-- repeat 150
INSERT INTO t VALUES ({n}, {n});
