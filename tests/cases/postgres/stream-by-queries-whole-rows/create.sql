CREATE TABLE t (name text PRIMARY KEY, v int, big text);
ALTER TABLE t ALTER big SET STORAGE EXTERNAL, REPLICA IDENTITY FULL;
-- repeat 150
INSERT INTO t VALUES ('it''s {n}', {n}, repeat('x{n}', {1|2000}));
