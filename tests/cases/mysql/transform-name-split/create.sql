CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(100) NOT NULL);
-- repeat 150
INSERT INTO t VALUES ({n}, '{Ada Lovelace|Zoë van der Berg|Plato| |Đorđe 😀}');
