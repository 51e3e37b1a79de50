SELECT count(*) FROM pg_depend WHERE refobjid = 't'::regclass AND deptype = 'a' AND objid = 't_id_seq'::regclass;
