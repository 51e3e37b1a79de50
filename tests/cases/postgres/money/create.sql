CREATE TABLE t (id int PRIMARY KEY, m money, kept money);
INSERT INTO t VALUES (1, '-92233720368547758.08', '92233720368547758.07'), (2, '0.01', '-0.01'), (3, NULL, NULL), (4, 0, 0);
-- repeat 200
INSERT INTO t SELECT {n} + 4, m, kept FROM t WHERE id = {1..4};
