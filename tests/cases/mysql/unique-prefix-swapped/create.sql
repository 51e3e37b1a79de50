CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(30), b BLOB, gone INT, UNIQUE ua (a(4)), UNIQUE ub (b(3)), UNIQUE gone (gone));
-- repeat 99
INSERT INTO t VALUES ({n}, LPAD({n}, 4, 'x'), LPAD({n}, 3, 'y'), {n});
