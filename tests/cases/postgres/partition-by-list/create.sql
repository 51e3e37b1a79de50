CREATE TABLE shop (id int PRIMARY KEY);
INSERT INTO shop SELECT generate_series(1, 9);
CREATE TABLE t (
    id int, land text NOT NULL, shop int CONSTRAINT of_shop REFERENCES shop ON DELETE CASCADE, code int, CONSTRAINT t_pkey PRIMARY KEY (id), CONSTRAINT t_code_key UNIQUE (code)
) WITH (fillfactor = 70, autovacuum_enabled = false);
COMMENT ON CONSTRAINT of_shop ON t IS 'where it is sold';
CREATE VIEW german AS SELECT id, shop FROM t WHERE land = 'de';
-- repeat 150
INSERT INTO t VALUES ({n}, '{de|at|fr}', {1..9}, {n});
