UPDATE t SET v = v + 1 WHERE at IN ('infinity', '-infinity', '0044-03-15 12:00+00 BC', '2024-10-27 00:30:00.000001+00');
UPDATE t SET v = v + 1 WHERE at = timestamptz '2024-10-26 22:00+00' + {1..200} * interval '3 min';
UPDATE t SET at = at + interval '1 us' WHERE at = timestamptz '2024-10-26 22:00+00' + {1..200} * interval '3 min';
INSERT INTO t VALUES (timestamptz '2024-03-31 00:00+00' + {n} * interval '1 min', {n});
DELETE FROM t WHERE at = timestamptz '2024-10-26 22:00+00' + {1..200} * interval '3 min';
