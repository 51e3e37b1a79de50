CREATE TABLE t (id int PRIMARY KEY, v int);
CREATE INDEX i_v ON t (v);
-- repeat 150
INSERT INTO t VALUES ({n}, {n});
