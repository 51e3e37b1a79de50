CREATE TABLE t (name VARCHAR(50) PRIMARY KEY, v INT);
-- repeat 150
INSERT INTO t VALUES ('name number {n}', {n});
