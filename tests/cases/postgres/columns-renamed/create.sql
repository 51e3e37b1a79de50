CREATE FUNCTION noting() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TABLE t (id int PRIMARY KEY, a int CHECK (a > 0), g int GENERATED ALWAYS AS (a * 2) STORED, b int);
CREATE INDEX i_a ON t ((a + b)) WHERE a > 3;
CREATE TRIGGER on_a BEFORE UPDATE OF a ON t FOR EACH ROW WHEN (NEW.a > 5) EXECUTE FUNCTION noting();
CREATE STATISTICS s_ab ON a, b FROM t;
COMMENT ON COLUMN t.a IS 'called a once';
GRANT SELECT (a) ON t TO alice;
-- repeat 150
INSERT INTO t (id, a, b) VALUES ({n}, {1..99}, {n});
