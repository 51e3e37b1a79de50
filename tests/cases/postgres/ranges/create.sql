CREATE TYPE spans AS RANGE (subtype = float8, subtype_diff = float8mi);
CREATE TABLE t (id int PRIMARY KEY, i int4range, n numrange, s tsrange, z tstzrange, d daterange, m int4multirange, f spans, b int8range);
INSERT INTO t VALUES
  (1, 'empty', 'empty', 'empty', 'empty', 'empty', '{}', 'empty', '(,)'), (2, '(,)', '(1.0,1.00]', '[2024-01-01,infinity)', '(,infinity]', '[-infinity,2024-01-01]', '{(,)}', '[-0,0]', '[1,1]'),
  (3, '[-2147483648,2147483646]', '[1.0,2.50)', '(2024-01-01 00:00:00.000001,)', '[2024-03-31 01:00+00,2024-03-31 02:00+01]', '(2024-01-01,2024-01-03)', '{[1,3),[5,7)}', '(NaN,)', '[-9223372036854775808,0]'),
  (4, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
-- repeat 200
INSERT INTO t SELECT {n} + 4, i, n, s, z, d, m, f, b FROM t WHERE id = {1..4};
