CREATE TABLE t (id uuid PRIMARY KEY, v int);
INSERT INTO t VALUES ('00000000-0000-0000-0000-000000000000', 0), ('ffffffff-ffff-ffff-ffff-ffffffffffff', 1);
-- repeat 200
INSERT INTO t VALUES (md5('{n}')::uuid, {n});
