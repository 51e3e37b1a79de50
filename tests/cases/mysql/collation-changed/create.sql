CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(50) COLLATE utf8mb4_general_ci, w VARCHAR(50) COLLATE utf8mb4_0900_as_cs, INDEX (v), INDEX (w));
-- repeat 150
INSERT INTO t VALUES ({n}, '{a|A|ä|a }', '{a|A|ä|a }');
