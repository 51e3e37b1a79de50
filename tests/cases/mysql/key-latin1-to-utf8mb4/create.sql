CREATE TABLE t (name VARCHAR(30) PRIMARY KEY, note TEXT, c CHAR(5)) DEFAULT CHARSET latin1;
INSERT INTO t VALUES (_latin1 X'E9', _latin1 X'80E4F6FC', 'x'), (_latin1 X'FF', NULL, 'é'), ('', '', '');
-- repeat 150
INSERT INTO t VALUES ('{é|ü|€|a}{n}', '{n} é', '€');
