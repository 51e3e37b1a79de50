CREATE TABLE t (id int PRIMARY KEY, i2 smallint, i4 int NOT NULL, i8 bigint, small bigint, kept smallint);
INSERT INTO t VALUES
  (1, -32768, -2147483648, -9223372036854775808, -32768, -32768), (2, 32767, 2147483647, 9223372036854775807, 32767, 32767),
  (3, NULL, 0, NULL, NULL, NULL);
-- repeat 200
INSERT INTO t SELECT {n} + 3, i2, i4, i8, small, kept FROM t WHERE id = {1..3};
