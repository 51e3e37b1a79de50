CREATE TABLE t (id numeric PRIMARY KEY, v int);
INSERT INTO t VALUES ('NaN', 1), ('Infinity', 2), ('-Infinity', 3), (0, 4), (1e-50, 5), (12345678901234567890.123456789, 6), (-1.50, 7);
-- repeat 150
INSERT INTO t VALUES ({n}.{0|00|5|50}, {n});
