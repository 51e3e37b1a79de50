CREATE TABLE t (id int PRIMARY KEY, v int);
REVOKE ALL ON t FROM postgres;
-- repeat 150
INSERT INTO t VALUES ({n}, {n});
