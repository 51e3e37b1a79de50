CREATE TABLE t (id bigserial PRIMARY KEY, a int, b int, up bigint REFERENCES t DEFERRABLE);
CREATE STATISTICS a_and_b ON a, b FROM t;
ALTER TABLE t ALTER a SET STATISTICS 50;
CREATE TABLE child (id serial PRIMARY KEY, t_id bigint CONSTRAINT to_t REFERENCES t ON DELETE CASCADE);
-- repeat 150
INSERT INTO t (a, b, up) VALUES ({1..9}, {n}, {n});
INSERT INTO child (t_id) SELECT id FROM t;
