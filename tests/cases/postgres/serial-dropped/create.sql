CREATE TABLE t (id serial PRIMARY KEY, place serial, v int);
-- repeat 150
INSERT INTO t (v) VALUES ({n});
