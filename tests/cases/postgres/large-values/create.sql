CREATE TABLE t (id int PRIMARY KEY, big text, outside bytea, plainly text, lz text COMPRESSION pglz, small int DEFAULT 0);
ALTER TABLE t ALTER outside SET STORAGE EXTERNAL, ALTER plainly SET STORAGE MAIN;
-- repeat 40
INSERT INTO t VALUES ({n}, (SELECT string_agg(md5('{n}-' || i), '') FROM generate_series(1, {1..1500}) i), decode(repeat('00{10..99}', {1..20000}), 'hex'), repeat('p', {1..30000}), repeat('lz{n}', 10000));
