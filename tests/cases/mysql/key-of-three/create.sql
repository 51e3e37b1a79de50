CREATE TABLE t (v INT, c DATETIME(3), a INT UNSIGNED, b VARCHAR(20), PRIMARY KEY (b, c, a));
-- repeat 150
INSERT INTO t VALUES ({n}, '2024-01-01 00:00:00.{1..3}', {n}, '{x|Y|ü|,|'' AND''}');
