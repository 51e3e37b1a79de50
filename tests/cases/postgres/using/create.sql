CREATE FUNCTION twice(text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT $1 || $1; $$;
CREATE TABLE t (id int PRIMARY KEY, v int, w int, s text, "Name" text);
-- repeat 150
INSERT INTO t VALUES ({n}, {1..99}, {1..99}, {'it''s, 1'|'(2'|'abc'|NULL}, 'n{n}');
