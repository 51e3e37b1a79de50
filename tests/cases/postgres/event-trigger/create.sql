CREATE TABLE diary (at int GENERATED ALWAYS AS IDENTITY, tag text);
CREATE FUNCTION write_diary() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.diary (tag) VALUES (TG_TAG); END $$;
CREATE TABLE t (id int PRIMARY KEY, v int);
CREATE EVENT TRIGGER on_ddl ON ddl_command_end EXECUTE FUNCTION write_diary();
-- repeat 150
INSERT INTO t VALUES ({n}, {n});
