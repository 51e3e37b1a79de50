CREATE TABLE t (id int PRIMARY KEY, z timestamptz, l timestamp, kept timestamptz);
INSERT INTO t VALUES
  (1, '2024-03-31 00:59:59.999999+00', '2024-03-31 02:30', '2024-11-03 01:30-04'), (2, '2024-03-31 01:00+00', '2024-10-27 02:30', '2024-11-03 01:30-05'),
  (3, '2024-10-27 00:30+00', '2024-10-27 02:59:59.999999', 'infinity'), (4, '2024-10-27 01:30+00', '1893-04-01 00:00', '-infinity'),
  (5, '0044-03-15 12:00+00 BC', 'infinity', '1883-11-18 12:00'), (6, NULL, NULL, NULL);
-- repeat 200
INSERT INTO t SELECT {n} + 6, z, l, kept FROM t WHERE id = {1..6};
