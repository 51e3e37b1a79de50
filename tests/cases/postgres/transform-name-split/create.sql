CREATE TABLE t (id int PRIMARY KEY, name varchar(100) NOT NULL);
-- repeat 150
INSERT INTO t VALUES ({n}, '{Ada Lovelace|Zoë van der Berg|Plato| |Đorđe 😀}');
