CREATE SCHEMA reports;
CREATE TABLE t (id int PRIMARY KEY, v int, w text);
GRANT SELECT, UPDATE ON t TO alice;
CREATE VIEW a AS SELECT * FROM t WHERE v > 10 WITH CASCADED CHECK OPTION;
CREATE VIEW b WITH (security_barrier) AS SELECT id, v * 2 AS twice, w FROM a;
CREATE VIEW reports.c (n, total) WITH (security_invoker = true) AS SELECT w, sum(twice) FROM b JOIN t USING (id, w) GROUP BY w;
CREATE RECURSIVE VIEW d (id, depth) AS SELECT id, 1 FROM t WHERE id < 5 UNION ALL SELECT t.id, depth + 1 FROM d JOIN t ON t.v = d.id WHERE depth < 3;
CREATE VIEW "E e" AS SELECT t AS whole, t.id FROM t;
GRANT SELECT, UPDATE ON a TO alice;
ALTER VIEW b OWNER TO alice;
ALTER VIEW reports.c OWNER TO bob;
ALTER VIEW a ALTER v SET DEFAULT 77;
GRANT SELECT ON b TO carol WITH GRANT OPTION;
GRANT SELECT (n), UPDATE (total) ON reports.c TO carol;
GRANT SELECT ON a TO PUBLIC;
COMMENT ON VIEW b IS 'it''s twice';
COMMENT ON COLUMN b.twice IS 'v * 2';
-- repeat 150
INSERT INTO t VALUES ({n}, {n}, '{a|b}');
