INSERT INTO t VALUES (9001, 'it''s', 'd', NULL), (9002, 'new, odd', 'a,d', NULL);
