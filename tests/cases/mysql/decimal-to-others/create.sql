CREATE TABLE t (
    id INT PRIMARY KEY, a DECIMAL(9,3), b DECIMAL(9,3), c DECIMAL(9,3), d DECIMAL(14), e DECIMAL(8), f DECIMAL(6), g DECIMAL(9,3), h DECIMAL(9,3),
    i INT, j INT, k INT, l YEAR, m TINYINT, n YEAR
);
-- repeat 60
INSERT INTO t VALUES ({n}, {n}.5, {n}.5, {n}.5, 20260102030405, 20260102, 1234, {n}.5, {n}.5, {n}, {n}, {n} % 60, 2000, 1 + {n} % 7, 2000);
