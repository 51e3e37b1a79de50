CREATE TYPE place AS (a int, b text);
CREATE TABLE t (p place PRIMARY KEY, v int);
INSERT INTO t VALUES ('(,)', 1), ('(1,"it''s, ""so"" \\")', 2);
-- repeat 150
INSERT INTO t VALUES (ROW({n}, 'b {n}'), {n});
