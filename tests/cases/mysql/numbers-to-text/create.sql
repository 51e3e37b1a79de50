CREATE TABLE t (id INT PRIMARY KEY, i INT, d DECIMAL(10,3), f DOUBLE, dt DATETIME(3), y YEAR, e ENUM('é','x'));
-- repeat 150
INSERT INTO t VALUES ({n}, -{n}, {n}.5, {n} / 7e0, '2024-01-01 10:00:00.5', 2024, 'é');
