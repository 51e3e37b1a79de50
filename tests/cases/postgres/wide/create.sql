DO $$ BEGIN EXECUTE 'CREATE TABLE t (id int PRIMARY KEY, ' || (SELECT string_agg('c' || n || ' int', ', ') FROM generate_series(1, 399) n) || ')'; END $$;
-- repeat 60
INSERT INTO t (id, c1, c7, c399) VALUES ({n}, {n}, {n}, {n});
