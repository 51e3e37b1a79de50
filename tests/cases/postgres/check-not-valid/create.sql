CREATE TABLE t (id int PRIMARY KEY, v int, w int);
-- repeat 150
INSERT INTO t VALUES ({n}, {-5|5|NULL}, 0);
ALTER TABLE t ADD CONSTRAINT positive CHECK (v > 0) NOT VALID, ADD CONSTRAINT small CHECK (w < 100000);
COMMENT ON CONSTRAINT positive ON t IS 'some day';
