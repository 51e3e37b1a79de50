CREATE TABLE t (a INT, b VARCHAR(20));
-- repeat 150
INSERT INTO t (a, b) VALUES ({n}, 'b{n}');
