CREATE TABLE t (id int PRIMARY KEY, v int CHECK (v > 0));
-- repeat 150
INSERT INTO t VALUES ({n}, {1..999});
