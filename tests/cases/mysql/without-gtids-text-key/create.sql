CREATE TABLE t (name VARCHAR(20) PRIMARY KEY, v INT, place INT UNIQUE);
-- repeat 150
INSERT INTO t VALUES ('n{n}', {n}, {n});
