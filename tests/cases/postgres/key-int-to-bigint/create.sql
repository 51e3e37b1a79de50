CREATE TABLE t (id serial PRIMARY KEY, v text);
INSERT INTO t VALUES (-2147483648, 'low'), (2147483647, 'high'), (0, 'zero');
-- repeat 200
INSERT INTO t (v) VALUES ('v{n}');
