CREATE TABLE t (e ENUM('zebra','ant','mouse','é','') PRIMARY KEY, v INT);
INSERT INTO t VALUES ('zebra', 0), ('ant', 0), ('mouse', 0), ('é', 0), ('', 0);
