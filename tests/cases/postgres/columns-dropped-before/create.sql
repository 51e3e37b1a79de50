CREATE TABLE t (gone1 int, id int, gone2 text, a int, b text, c int, gone3 int, d numeric, e int, PRIMARY KEY (id));
INSERT INTO t VALUES (1, 0, 'x', 1, 'b', 2, 3, 4.50, 5);
ALTER TABLE t DROP COLUMN gone1, DROP COLUMN gone2, DROP COLUMN gone3;
ALTER TABLE t ADD gone4 int, ADD f int DEFAULT 6;
ALTER TABLE t DROP COLUMN gone4;
-- repeat 150
INSERT INTO t VALUES ({n}, {n}, 'b{n}', {n}, {n}.0, {n}, {n});
