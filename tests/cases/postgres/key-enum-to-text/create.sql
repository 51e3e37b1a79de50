CREATE TYPE size AS ENUM ('small', 'big', 'medium');
CREATE TABLE t (s size, n int, v int, PRIMARY KEY (s, n));
-- repeat 200
INSERT INTO t VALUES ({'small'|'big'|'medium'}, {n}, {n});
