CREATE TABLE t (code char(8) PRIMARY KEY, v int);
INSERT INTO t VALUES ('', 0), ('é', 1), ('''', 2), ('😀', 3);
-- repeat 150
INSERT INTO t VALUES ('c{n}', {n});
