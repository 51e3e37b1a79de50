CREATE TABLE t (id int PRIMARY KEY, r real, d double precision, kept real, a double precision[]);
INSERT INTO t VALUES
  (1, '-0', '-0', '-0', '{-0, 0}'), (2, 'NaN', 'NaN', 'NaN', '{NaN, Infinity, -Infinity}'), (3, 'Infinity', '-Infinity', '-Infinity', NULL),
  (4, '1e-45', '5e-324', '3.4028235e38', '{5e-324}'), (5, 0.1, 0.1, 0.1, '{0.1}'), (6, NULL, 1.7976931348623157e308, NULL, '{}'), (7, 0, 0, 0, '{0}');
-- repeat 200
INSERT INTO t SELECT {n} + 7, r, d, kept, a FROM t WHERE id = {1..7};
