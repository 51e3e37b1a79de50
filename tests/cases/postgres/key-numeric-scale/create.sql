CREATE TABLE t (id numeric(12, 2) PRIMARY KEY, v int);
-- repeat 200
INSERT INTO t VALUES ({n}.25, {n});
