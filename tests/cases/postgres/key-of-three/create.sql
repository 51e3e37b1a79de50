CREATE TABLE t (v int, a text COLLATE "C", b int, c date, PRIMARY KEY (c, a, b));
-- repeat 200
INSERT INTO t VALUES ({n}, '{one|two|}', {n} % 10, date '2024-01-01' + {n} / 5);
