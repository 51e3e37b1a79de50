CREATE TABLE t (id int PRIMARY KEY, d date, c time, z timetz, s timestamp, kept date, also timestamp(2));
INSERT INTO t VALUES
  (1, 'infinity', '24:00', '23:59:59.999999+15:59', 'infinity', '4713-01-01 BC', '-infinity'),
  (2, '-infinity', '00:00', '00:00-15:59', '-infinity', '5874897-12-31', '294276-12-31 23:59:59.99'),
  (3, '0001-12-31 BC', '12:34:56.789012', '24:00+00', '4713-01-01 00:00:00.000001 BC', 'infinity', '0044-03-15 12:00 BC'),
  (4, '2024-02-29', '23:59:60', '12:00:00.5+05:30', '2024-06-30 23:59:60', '2000-01-01', '1999-12-31 23:59:59.995'),
  (5, NULL, NULL, NULL, NULL, NULL, NULL);
-- repeat 200
INSERT INTO t SELECT {n} + 5, d, c, z, s, kept, also FROM t WHERE id = {1..5};
