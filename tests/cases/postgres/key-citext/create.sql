CREATE EXTENSION citext;
CREATE TABLE t (name citext PRIMARY KEY, v int);
INSERT INTO t VALUES ('', 0), ('O''Neil', 1), ('NULL', 2);
-- repeat 200
INSERT INTO t VALUES ('{Key|KEY|key} {n}', {n});
