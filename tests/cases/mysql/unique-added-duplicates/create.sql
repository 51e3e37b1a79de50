CREATE TABLE t (id INT PRIMARY KEY, mail VARCHAR(50), n INT);
-- repeat 150
INSERT INTO t VALUES ({n}, 'm{n}@example.org', 0);
INSERT INTO t VALUES (201, 'twice@example.org', 0), (202, 'TWICE@example.org', 0);
