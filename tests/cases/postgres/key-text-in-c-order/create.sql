CREATE TABLE t (name text COLLATE "C" PRIMARY KEY, v int);
-- repeat 200
INSERT INTO t VALUES ('{ä|a|Z|z|Ö|å}{n}', {n});
