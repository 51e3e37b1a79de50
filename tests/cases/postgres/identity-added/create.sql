CREATE TABLE t (id int PRIMARY KEY, old int GENERATED ALWAYS AS IDENTITY, v int);
-- repeat 150
INSERT INTO t (id, v) VALUES ({n}, {n});
