CREATE TABLE t (name text PRIMARY KEY, v int, kind text NOT NULL);
-- repeat 150
INSERT INTO t VALUES ('k{n}', {n}, {'drop'|'keep'});
