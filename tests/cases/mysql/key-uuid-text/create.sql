CREATE TABLE t (id CHAR(36) CHARACTER SET ascii PRIMARY KEY, v INT, w INT);
-- repeat 150
INSERT INTO t VALUES (INSERT(INSERT(INSERT(INSERT(LEFT(SHA2({n}, 256), 32), 9, 0, '-'), 14, 0, '-'), 19, 0, '-'), 24, 0, '-'), {n}, 0);
