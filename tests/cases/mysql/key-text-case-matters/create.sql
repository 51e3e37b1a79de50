CREATE TABLE t (name VARCHAR(30) COLLATE utf8mb4_bin PRIMARY KEY, v INT);
-- repeat 75
INSERT INTO t VALUES ('key{n}', {n}), ('KEY{n}', {n});
