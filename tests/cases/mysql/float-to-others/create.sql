CREATE TABLE t (
    id INT PRIMARY KEY, a FLOAT, b FLOAT, c FLOAT, d FLOAT, e FLOAT, f FLOAT, g FLOAT, h FLOAT, i FLOAT, j FLOAT(7,3), k FLOAT, l FLOAT, m DOUBLE, n DOUBLE
);
-- repeat 60
INSERT INTO t VALUES ({n}, {n} / 10, {n} / 10, {n} / 10, {n} / 10, {n} / 10, {n} / 10, {n} / 2, {n} / 2, {n} / 2, {n} / 10, {n} / 10, {n} / 10, {n} / 8e0, {n} / 10e0);
