CREATE TABLE t (id int PRIMARY KEY, v int, w int) WITH (fillfactor = 40);
CREATE INDEX ON t (v);
-- repeat 150
INSERT INTO t VALUES ({n}, {n}, 0);
