CREATE TABLE t (e ENUM('zebra','ant','Mouse'), n INT, v INT, PRIMARY KEY (e, n));
-- repeat 50
INSERT INTO t VALUES ('zebra', {n}, 0), ('ant', {n}, 0), ('mouse', {n}, 0);
