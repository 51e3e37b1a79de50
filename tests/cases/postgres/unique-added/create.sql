CREATE TABLE t (id int PRIMARY KEY, mail text, place int);
-- repeat 200
INSERT INTO t VALUES ({n}, 'm{n}@example.org', {1..9});
