CREATE DOMAIN number AS bigint CHECK (VALUE <> 13);
CREATE TABLE t (id number PRIMARY KEY, v int);
-- repeat 200
INSERT INTO t VALUES ({n} - 250, {n});
