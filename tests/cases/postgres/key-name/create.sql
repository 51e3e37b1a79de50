CREATE TABLE t (n name, c "char", v int, PRIMARY KEY (n, c));
INSERT INTO t VALUES ('', '', 0), ('é ', E'\\', 1), ('''', '''', 2), (repeat('x', 63), '"', 3);
-- repeat 150
INSERT INTO t VALUES ('n{n}', 'a', {n});
