CREATE TABLE t (id double precision PRIMARY KEY, v int);
INSERT INTO t VALUES ('-0', 1), ('NaN', 2), ('Infinity', 3), ('-Infinity', 4), (5e-324, 5), (0.1, 6), (0.30000000000000004, 7), (0.3, 8), (1.7976931348623157e308, 9);
-- repeat 150
INSERT INTO t VALUES ({n} / 7.0, {n});
