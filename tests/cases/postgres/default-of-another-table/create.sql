CREATE TABLE t (id int PRIMARY KEY, v int);
CREATE FUNCTION highest() RETURNS int LANGUAGE sql AS 'SELECT coalesce(max(id), 0) FROM t';
CREATE TABLE other (id int DEFAULT highest() CHECK (highest() >= 0), n int);
-- repeat 150
INSERT INTO t VALUES ({n}, {n});
