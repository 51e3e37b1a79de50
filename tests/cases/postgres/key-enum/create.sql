BEGIN;
CREATE TYPE size AS ENUM ('small', 'it''s big', 'medium', '');
SELECT 1;
COMMIT;
BEGIN;
ALTER TYPE size ADD VALUE 'tiny' BEFORE 'small';
SELECT 1;
COMMIT;
CREATE TABLE t (s size, n int, v int, PRIMARY KEY (s, n));
-- repeat 200
INSERT INTO t VALUES ({'small'|'it''s big'|'medium'|''|'tiny'}, {n}, {n});
