CREATE TABLE t (id int PRIMARY KEY, body text, v tsvector, q tsquery);
CREATE INDEX ON t USING gin (v);
CREATE TRIGGER fills_v BEFORE INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION tsvector_update_trigger(v, 'pg_catalog.english', body);
-- repeat 150
INSERT INTO t (id, body, q) VALUES ({n}, 'the {quick|lazy} foxes {n} jumped', {'fox & !dog'|'''it''''s'' <2> x:*AB'|NULL});
