CREATE TABLE t (id int PRIMARY KEY, a int, b int CONSTRAINT u_b UNIQUE, gone int, during int4range);
CREATE INDEX i_gone ON t (gone, a);
CREATE INDEX i_a ON t (a) WHERE b > 3;
CREATE INDEX i_partial ON t (b) WHERE a IS NOT NULL;
-- repeat 150
INSERT INTO t VALUES ({n}, {1..9}, {n}, {n}, int4range({n} * 10, {n} * 10 + 10));
