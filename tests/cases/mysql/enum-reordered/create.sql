CREATE TABLE t (id INT PRIMARY KEY, e ENUM('red','green','blue'), s SET('a','b','c'));
INSERT INTO t VALUES (1, 'red', ''), (2, 'blue', 'a,b,c'), (3, NULL, NULL);
-- repeat 150
INSERT INTO t VALUES ({n} + 3, {1..3}, {0..7});
