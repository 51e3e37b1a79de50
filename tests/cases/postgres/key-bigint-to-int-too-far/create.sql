CREATE TABLE t (id bigint PRIMARY KEY, v int);
-- repeat 150
INSERT INTO t (id, v) VALUES ({n}, {n});
INSERT INTO t VALUES (2147483648, 1);
