CREATE TABLE t (id INT PRIMARY KEY, mail VARCHAR(50) CHARACTER SET latin1, n INT);
-- repeat 150
INSERT INTO t VALUES ({n}, 'm{n}@example.org', 0);
INSERT INTO t VALUES (201, 'twice@größe.org', 0), (202, 'TWICE@größe.org', 0);
