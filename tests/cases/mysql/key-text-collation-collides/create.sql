CREATE TABLE t (name VARCHAR(30) COLLATE utf8mb4_bin PRIMARY KEY, v INT);
-- repeat 150
INSERT INTO t VALUES ('key{n}', {n});
INSERT INTO t VALUES ('Zoë', 1), ('zoe', 2);
