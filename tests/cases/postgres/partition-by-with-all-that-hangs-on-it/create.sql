CREATE TABLE log (id serial, what text);
CREATE TABLE t (gone int, id int NOT NULL, code int NOT NULL, at date NOT NULL, old_name text, CONSTRAINT t_pkey PRIMARY KEY (id));
CREATE UNIQUE INDEX by_code ON t (code);
ALTER TABLE t REPLICA IDENTITY USING INDEX by_code;
CREATE FUNCTION logged() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.log (what) VALUES (TG_OP || NEW.id); RETURN NULL; END $$;
CREATE FUNCTION shortened() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.code := NEW.code % 1000000; RETURN NEW; END $$;
CREATE TRIGGER after_row AFTER INSERT ON t FOR EACH ROW WHEN (NEW.id > 10) EXECUTE FUNCTION logged();
CREATE TRIGGER before_row BEFORE INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION shortened();
COMMENT ON TRIGGER after_row ON t IS 'tells';
CREATE POLICY own ON t FOR SELECT TO alice USING (id > 5);
ALTER TABLE t ENABLE ROW LEVEL SECURITY;
CREATE PUBLICATION plainly FOR TABLE t WITH (publish_via_partition_root = true);
GRANT CREATE ON SCHEMA public TO carol;
ALTER TABLE t OWNER TO carol;
-- repeat 150
INSERT INTO t VALUES ({n}, {n}, {n}, '{2019|2020}-02-{10..28}', 'o{n}');
