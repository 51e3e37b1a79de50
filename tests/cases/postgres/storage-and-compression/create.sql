CREATE TABLE t (id int PRIMARY KEY, a text, b text, c bytea COMPRESSION pglz, e text, n int);
ALTER TABLE t ALTER a SET STORAGE EXTERNAL, ALTER c SET STORAGE MAIN, ALTER e SET STORAGE PLAIN, SET (toast_tuple_target = 1024, toast.autovacuum_enabled = false);
-- repeat 100
INSERT INTO t VALUES ({n}, repeat('a{n}', {1..2000}), repeat('b', {1..9000}), decode(repeat('00', {1..9000}), 'hex'), 'e', {n});
