CREATE TABLE t (id int PRIMARY KEY, t text, v varchar(20), c char(6), n name, q "char", kept text, bare varchar, one char);
INSERT INTO t VALUES
  (1, '', '', '', '', '', '', '', ''), (2, 'a  ', ' b ', 'c  ', 'd ', 'e', '  ', ' ', ' '), (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  (4, '😀漢é', '𝔘𝔫𝔦', '😀😀', 'größe', 'z', E'tab\t new\nline \\ "quotes" ''single''', 'NULL', 'é'),
  (5, E'\u0001\u007f', '{a,"b"}', '\N', '(1,2)', '%', repeat('x', 2900), '%s', E'\\');
-- repeat 200
INSERT INTO t SELECT {n} + 5, t, v, c, n, q, kept, bare, one FROM t WHERE id = {1..5};
