CREATE EXTENSION citext;
CREATE TABLE t (name text PRIMARY KEY, v int);
-- repeat 200
INSERT INTO t VALUES ('{Key|KEY|key} {n}', {n});
