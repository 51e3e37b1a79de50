ALTER TABLE t ADD x int, ALTER v TYPE bigint;
