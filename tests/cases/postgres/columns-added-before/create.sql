CREATE TABLE t (id int PRIMARY KEY, v int);
-- repeat 150
INSERT INTO t VALUES ({n}, {n});
ALTER TABLE t ADD m1 int NOT NULL DEFAULT 42, ADD m2 text DEFAULT 'it''s', ADD m3 int[] DEFAULT '{1,NULL}';
ALTER TABLE t ALTER m2 SET DEFAULT 'changed since', ALTER m1 DROP DEFAULT;
-- repeat 20
INSERT INTO t (id, m1) VALUES (500 + {n}, {n});
