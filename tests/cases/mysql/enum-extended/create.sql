CREATE TABLE t (id INT PRIMARY KEY, e ENUM('red','green','blue') NOT NULL, s SET('a','b','c'), l ENUM('é','ü') CHARACTER SET latin1);
INSERT INTO t VALUES (1, 'red', '', 'é'), (2, 'blue', 'a,b,c', 'ü'), (3, 'green', NULL, NULL);
-- repeat 150
INSERT INTO t VALUES ({n} + 3, {1..3}, {0..7}, {'é'|'ü'|NULL});
