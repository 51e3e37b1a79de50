CREATE TABLE t (b bytea PRIMARY KEY, v int);
INSERT INTO t VALUES ('', 0), ('\x00', 1), ('\x0000', 2), ('\x5c', 3), ('\x27', 4), ('\xff', 5);
-- repeat 150
INSERT INTO t VALUES (decode(md5('{n}'), 'hex'), {n});
