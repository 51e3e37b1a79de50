ALTER SEQUENCE t_id_seq AS bigint;
SELECT setval('t_id_seq', 3000000000);
INSERT INTO t (v) VALUES ('beyond int');
