CREATE TABLE t (id int PRIMARY KEY, n int, name text, doc jsonb, at tsrange, words tsvector, p point, spare int[]);
CREATE INDEX t_lower ON t (lower(name) text_pattern_ops, (n % 10) DESC NULLS LAST) INCLUDE (id) WHERE n > 5 AND name IS NOT NULL;
CREATE UNIQUE INDEX t_partial ON t (n) WHERE name = 'only';
CREATE INDEX t_hash ON t USING hash (name);
CREATE INDEX t_gin ON t USING gin (doc jsonb_path_ops, spare) WITH (fastupdate = off);
CREATE INDEX t_gist ON t USING gist (at, p);
CREATE INDEX t_spgist ON t USING spgist (p);
CREATE INDEX t_brin ON t USING brin (n int4_minmax_ops, id) WITH (pages_per_range = 16);
CREATE INDEX "T index" ON t (name COLLATE "C" DESC, n NULLS FIRST) WITH (fillfactor = 70, deduplicate_items = off);
CREATE UNIQUE INDEX t_expression ON t ((n + id), md5(name));
CREATE INDEX t_words ON t USING gin (words);
ALTER INDEX t_expression ALTER COLUMN 1 SET STATISTICS 500;
COMMENT ON INDEX "T index" IS 'it''s an index';
-- repeat 150
INSERT INTO t VALUES ({n}, {n}, '{a|B|NULL}{n}', '{"n": {n}}', tsrange('2024-01-01', timestamp '2024-01-02' + {n} * interval '1 h'), to_tsvector('simple', 'w {n}'), point({n}, 1), ARRAY[{n}, 1]);
