CREATE TABLE t (id int PRIMARY KEY, code text NOT NULL, v int);
-- repeat 200
INSERT INTO t VALUES ({n}, 'c{n}', {n});
