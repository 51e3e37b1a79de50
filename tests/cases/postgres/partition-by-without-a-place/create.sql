CREATE TABLE t (id int PRIMARY KEY, day int NOT NULL);
INSERT INTO t SELECT g, g FROM generate_series(1, 50) AS g;
UPDATE t SET day = 100 WHERE id = 7;
