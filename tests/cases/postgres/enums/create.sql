BEGIN;
CREATE TYPE mood AS ENUM ('sad', 'ok', 'it''s "happy" 😀', '');
SELECT 1;
COMMIT;
BEGIN;
ALTER TYPE mood ADD VALUE 'so-so' BEFORE 'ok';
SELECT 1;
COMMIT;
CREATE TABLE t (id int PRIMARY KEY, m mood, s text, kept mood NOT NULL DEFAULT 'ok');
-- repeat 200
INSERT INTO t VALUES ({n}, {'sad'|'so-so'|''|NULL}, {'ok'|'so-so'|'it''s "happy" 😀'}, {'sad'|'so-so'});
