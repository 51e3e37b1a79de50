CREATE TABLE t (id int PRIMARY KEY, n numeric, p numeric(20, 6), whole numeric(10, 0), kept numeric, same numeric(12, 4));
INSERT INTO t VALUES
  (1, 'NaN', -0.000001, 9999999999, 'NaN', 'NaN'), (2, 'Infinity', 99999999999999.999999, -9999999999, '-Infinity', 0),
  (3, 1.0, 1, 0, 1.00, 1.5), (4, 1e-1000, NULL, NULL, repeat('9', 2000)::numeric, -99999999.9999), (5, NULL, 0, 1, 0.0, NULL);
-- repeat 200
INSERT INTO t SELECT {n} + 5, n, p, whole, kept, same FROM t WHERE id = {1..5};
