CREATE TABLE t (id INT PRIMARY KEY, e ENUM('red','green','blue'));
-- repeat 150
INSERT INTO t VALUES ({n}, '{red|blue}');
INSERT INTO t VALUES (200, 'green');
