CREATE TABLE t (a JSON, id INT PRIMARY KEY, b JSON, v INT);
-- repeat 150
INSERT INTO t VALUES ('{"n": 1, "long": "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}', {n}, '[1, 2, 3]', 0);
