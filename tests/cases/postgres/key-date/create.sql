CREATE TABLE t (d date, c time, s timestamp, v int, PRIMARY KEY (d, c, s));
INSERT INTO t VALUES ('infinity', '24:00', 'infinity', 1), ('-infinity', '00:00', '-infinity', 2), ('0044-03-15 BC', '12:00:00.000001', '4713-01-01 00:00 BC', 3);
-- repeat 200
INSERT INTO t VALUES (date '2024-01-01' + {n}, '12:00', '2024-01-02 03:04:05.678', {n});
