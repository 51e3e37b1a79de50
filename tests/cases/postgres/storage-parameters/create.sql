CREATE TABLE t (id int PRIMARY KEY, v int, w text) WITH (fillfactor = 77, autovacuum_enabled = off, parallel_workers = 2, toast.autovacuum_enabled = off, toast.autovacuum_vacuum_threshold = 1000, user_catalog_table = false, toast_tuple_target = 256);
-- repeat 150
INSERT INTO t VALUES ({n}, {n}, repeat('w', {1..2000}));
