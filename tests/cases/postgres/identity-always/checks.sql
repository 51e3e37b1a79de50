SELECT count(*) FROM pg_sequences WHERE schemaname = 'public' AND sequencename = 't_id_seq' AND increment_by = 7 AND cycle AND cache_size = 3 AND start_value = 1000;
