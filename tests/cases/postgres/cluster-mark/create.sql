CREATE TABLE t (id int PRIMARY KEY, v int, w int);
CREATE INDEX i_v ON t (v);
CREATE INDEX i_w ON t (w);
-- repeat 150
INSERT INTO t VALUES ({n}, {n}, 0);
CLUSTER t USING i_v;
