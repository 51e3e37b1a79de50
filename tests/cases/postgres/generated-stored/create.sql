CREATE TABLE t (
  id int PRIMARY KEY, a int NOT NULL, g1 int GENERATED ALWAYS AS (a + 1) STORED, b int,
  g2 text GENERATED ALWAYS AS ('n' || id::text) STORED UNIQUE, g4 int GENERATED ALWAYS AS (a % 7) STORED
);
CREATE INDEX ON t (g4, a);
-- repeat 150
INSERT INTO t (id, a, b) VALUES ({n}, {1..1000}, {NULL|5});
