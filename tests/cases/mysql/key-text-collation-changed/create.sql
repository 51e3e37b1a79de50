CREATE TABLE t (name VARCHAR(30) COLLATE utf8mb4_0900_as_cs PRIMARY KEY, v INT);
-- repeat 150
INSERT INTO t VALUES ('{Ä|ö|x}{n}', {n});
