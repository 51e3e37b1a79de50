CREATE TABLE t (id int PRIMARY KEY, v1 int GENERATED ALWAYS AS (a + 1), a int NOT NULL, v2 text GENERATED ALWAYS AS (id::text || b) VIRTUAL, b text, s int GENERATED ALWAYS AS (a * 2) STORED);
-- repeat 150
INSERT INTO t (id, a, b) VALUES ({n}, {1..1000}, {NULL|'b'});
