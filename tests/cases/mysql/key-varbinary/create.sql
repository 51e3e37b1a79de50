CREATE TABLE t (k VARBINARY(20) PRIMARY KEY, v INT);
INSERT INTO t VALUES ('', 0), (X'00', 1), (X'0000', 2), ('a', 3), ('a ', 4), (X'6100', 5), (X'F09F', 6);
-- repeat 150
INSERT INTO t VALUES (CONCAT('k', {n}), {n});
