ALTER TABLE t ALTER v TYPE bigint;
DELETE FROM t WHERE kind = 'drop';
