CREATE TABLE t (id serial PRIMARY KEY, v int);
-- repeat 150
INSERT INTO t (v) VALUES ({n});
