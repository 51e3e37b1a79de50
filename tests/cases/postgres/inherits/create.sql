CREATE TABLE parent (id int, v int);
CREATE TABLE t (w int, PRIMARY KEY (id)) INHERITS (parent);
INSERT INTO t VALUES (1, 1);
