CREATE TABLE t (id int PRIMARY KEY, v varchar(20), s text, c char(10));
-- repeat 150
INSERT INTO t VALUES ({n}, '{a|12345|ééééé|}', '{😀😀😀😀|12345678}', '{a|1234|}');
