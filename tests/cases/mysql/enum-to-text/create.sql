CREATE TABLE t (id INT PRIMARY KEY, e ENUM('red','green','é'), s SET('a','b','c'), te VARCHAR(20), ts VARCHAR(20));
-- repeat 150
INSERT INTO t VALUES ({n}, {1..3}, {0..7}, '{red|Green|ö}', '{c,a|b|}');
