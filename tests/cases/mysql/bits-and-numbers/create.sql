CREATE TABLE t (id INT PRIMARY KEY, b BIT(64), i INT, y YEAR, ye INT, da INT, h TIME);
-- repeat 150
INSERT INTO t VALUES ({n}, 18446744073709551615 - {n}, {n}, 2000 + {n}, 2000 + {n}, 20240101 + {n} % 28, '10:11:12');
