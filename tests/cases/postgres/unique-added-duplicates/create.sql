CREATE TABLE t (id int PRIMARY KEY, mail text, n int);
-- repeat 150
INSERT INTO t VALUES ({n}, 'm{n}@example.org', 0);
INSERT INTO t VALUES (201, 'twice@example.org', 0), (202, 'twice@example.org', 0);
