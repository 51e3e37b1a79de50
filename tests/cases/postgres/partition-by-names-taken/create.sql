CREATE TABLE t (id int PRIMARY KEY);
CREATE TABLE other (id int);
INSERT INTO t SELECT generate_series(1, 50);
