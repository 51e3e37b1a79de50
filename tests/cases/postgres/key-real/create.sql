CREATE TABLE t (id real PRIMARY KEY, v int);
INSERT INTO t VALUES ('-0', 1), ('NaN', 2), ('1e-45', 3), ('Infinity', 4);
-- repeat 150
INSERT INTO t VALUES ({n} / 7.0, {n});
