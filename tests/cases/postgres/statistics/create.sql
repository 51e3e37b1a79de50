CREATE SCHEMA elsewhere;
CREATE TABLE t (id int PRIMARY KEY, v int, w int, z text);
CREATE STATISTICS s_all ON v, z FROM t;
CREATE STATISTICS s_mcv (mcv) ON v, z, id FROM t;
CREATE STATISTICS elsewhere.s_expression ON (v * 2), lower(z) FROM t;
CREATE STATISTICS "S one" ON (v % 10) FROM t;
ALTER STATISTICS s_mcv SET STATISTICS 321;
ALTER TABLE t ALTER v SET STATISTICS 500, ALTER z SET STATISTICS 0, ALTER v SET (n_distinct = -0.5, n_distinct_inherited = 7), ALTER z SET (n_distinct = 3);
-- repeat 150
INSERT INTO t VALUES ({n}, {n}, {n}, 'z{1..3}');
ANALYZE t;
