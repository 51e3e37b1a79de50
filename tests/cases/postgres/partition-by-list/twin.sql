DROP VIEW german;
CREATE SCHEMA aside;
ALTER TABLE t SET SCHEMA aside;
CREATE TABLE t (
    id int NOT NULL, land text NOT NULL, shop int NOT NULL, code int, note text, PRIMARY KEY (id, land, shop), CONSTRAINT t_code_key UNIQUE (code, land, shop)
) PARTITION BY LIST (land);
CREATE TABLE t_de PARTITION OF t FOR VALUES IN ('de', 'at') PARTITION BY RANGE (shop);
CREATE TABLE "T de, small" PARTITION OF t_de FOR VALUES FROM (MINVALUE) TO (5) WITH (fillfactor = 90);
CREATE TABLE t_de_rest PARTITION OF t_de DEFAULT WITH (fillfactor = 70, autovacuum_enabled = false);
CREATE TABLE t_fr PARTITION OF t FOR VALUES IN ('fr', NULL) WITH (fillfactor = 70, autovacuum_enabled = false);
ALTER TABLE t ADD CONSTRAINT of_shop FOREIGN KEY (shop) REFERENCES shop ON DELETE CASCADE;
COMMENT ON CONSTRAINT of_shop ON t IS 'where it is sold';
INSERT INTO t SELECT * FROM aside.t;
DROP TABLE aside.t;
DROP SCHEMA aside;
CREATE VIEW german AS SELECT id, shop FROM t WHERE land = 'de';
