CREATE TABLE t (id int PRIMARY KEY, owner name, v int);
CREATE TABLE other (id int, t_id int);
ALTER TABLE t ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE other ENABLE ROW LEVEL SECURITY;
GRANT ALL ON t, other TO alice, bob;
CREATE POLICY own ON t USING (owner = current_user) WITH CHECK (owner = current_user AND v < 1000);
CREATE POLICY "read 'all'" ON t FOR SELECT TO bob, carol USING (v > 0);
CREATE POLICY less ON t AS RESTRICTIVE FOR DELETE TO alice USING (id > 10);
CREATE POLICY late ON t FOR INSERT TO PUBLIC WITH CHECK (EXISTS (SELECT FROM other WHERE t_id = t.id));
CREATE POLICY by_t ON other TO alice USING (t_id IN (SELECT id FROM t WHERE v > 5)) WITH CHECK (EXISTS (SELECT FROM t WHERE t.id = other.t_id));
COMMENT ON POLICY own ON t IS 'mine';
COMMENT ON POLICY by_t ON other IS 'by way of t';
-- repeat 150
INSERT INTO t VALUES ({n}, '{alice|bob}', {n});
INSERT INTO other SELECT n, n FROM generate_series(1, 150) n;
