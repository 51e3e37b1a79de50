CREATE TABLE t (id int PRIMARY KEY USING INDEX TABLESPACE elsewhere, v int, w int UNIQUE) TABLESPACE elsewhere;
CREATE INDEX i_v ON t (v) TABLESPACE elsewhere;
CREATE INDEX i_w ON t (w DESC);
-- repeat 150
INSERT INTO t VALUES ({n}, {n});
