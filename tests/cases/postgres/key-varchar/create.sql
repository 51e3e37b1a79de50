CREATE TABLE t (code varchar(20) PRIMARY KEY, v int);
INSERT INTO t VALUES ('a', 1), ('a ', 2), ('a  ', 3), (' a', 4);
-- repeat 150
INSERT INTO t VALUES ('c{n}', {n});
