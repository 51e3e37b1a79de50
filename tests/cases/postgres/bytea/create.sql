CREATE TABLE t (id int PRIMARY KEY, b bytea, kept bytea);
INSERT INTO t VALUES (1, '', ''), (2, '\x00', '\x0000ff'), (3, NULL, NULL), (4, '\x5c27225c7830', 'a\\b\000c'), (5, decode(repeat('00ff', 3000), 'hex'), '\xff');
-- repeat 200
INSERT INTO t SELECT {n} + 5, b, kept FROM t WHERE id = {1..5};
