CREATE TABLE t (id int PRIMARY KEY, v int);
CREATE VIEW on_t AS SELECT * FROM t;
-- repeat 150
INSERT INTO t VALUES ({n}, {n});
