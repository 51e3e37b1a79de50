CREATE TABLE t (id int PRIMARY KEY, a int, g int GENERATED ALWAYS AS (a * 2) STORED);
CREATE INDEX ON t (g);
-- repeat 150
INSERT INTO t (id, a) VALUES ({n}, {NULL|1|2|3});
