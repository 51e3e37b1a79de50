CREATE TABLE t (at timestamptz PRIMARY KEY, v int);
INSERT INTO t VALUES ('infinity', 1), ('-infinity', 2), ('0044-03-15 12:00+00 BC', 3), ('2024-10-27 00:30:00.000001+00', 4), ('2024-10-27 01:31+00', 5);
-- repeat 200
INSERT INTO t VALUES (timestamptz '2024-10-26 22:00+00' + {n} * interval '3 min', {n});
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET timezone = ''Europe/Berlin''', current_database()); END $$;
