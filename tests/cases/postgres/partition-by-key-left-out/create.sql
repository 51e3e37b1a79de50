CREATE TABLE t (id int PRIMARY KEY, day int NOT NULL, code int);
CREATE UNIQUE INDEX by_code ON t (code);
CREATE UNIQUE INDEX fine ON t (day, code);
INSERT INTO t SELECT g, g, g FROM generate_series(1, 50) AS g;
