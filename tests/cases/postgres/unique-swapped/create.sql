CREATE TABLE t (id int PRIMARY KEY, place int NOT NULL UNIQUE, name varchar(20), UNIQUE (name, place));
CREATE UNIQUE INDEX t_negative ON t ((-place)) WHERE name IS NOT NULL;
-- repeat 300
INSERT INTO t VALUES ({n}, {n}, 'n{n}');
DELETE FROM t WHERE id = 61;
