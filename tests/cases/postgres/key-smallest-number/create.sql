CREATE TABLE t (a bigint, b integer, c smallint, d integer, v integer, PRIMARY KEY (a, b, c, d));
-- repeat 30
INSERT INTO t VALUES (-9223372036854775808, -2147483648, -32768, -{n}, 1);
-- repeat 30
INSERT INTO t VALUES (-9223372036854775808, -2147483648, {n}, {n}, 1);
