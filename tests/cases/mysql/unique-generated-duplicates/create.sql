CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(30));
-- repeat 150
INSERT INTO t VALUES ({n}, '{n} name');
INSERT INTO t VALUES (500, 'same one'), (501, 'same two');
