CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(50), c CHAR(20), tx TEXT, b BINARY(5), vb VARBINARY(9));
-- repeat 150
INSERT INTO t VALUES ({n}, 'v{n}{ |  |}', 'c{n}  ', 'tx ', X'6100', X'6200');
