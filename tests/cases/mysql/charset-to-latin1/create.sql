CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(50), tx TEXT, INDEX (v));
-- repeat 150
INSERT INTO t VALUES ({n}, {'é'|'€ uro'|''|NULL}, 'ß{n}');
