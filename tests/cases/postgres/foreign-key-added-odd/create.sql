CREATE TABLE "P p" (x bigint, "Y y" varchar(10), PRIMARY KEY (x, "Y y"));
INSERT INTO "P p" SELECT n, 'y' || n FROM generate_series(1, 50) n;
CREATE TABLE q (n numeric PRIMARY KEY);
INSERT INTO q SELECT generate_series(0, 400);
CREATE TABLE t (id int PRIMARY KEY, a int, b text, g int GENERATED ALWAYS AS (a * 2) STORED);
-- repeat 150
INSERT INTO t VALUES ({n}, {n} % 50 + 1, CASE {0|1} WHEN 1 THEN 'y' || ({n} % 50 + 1) END);
