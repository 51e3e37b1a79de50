CREATE TABLE t (id int PRIMARY KEY, i interval, p interval, f interval year to month);
INSERT INTO t VALUES
  (1, '1 mon', '1.999999 s', '1 year 2 mons'), (2, '30 days', '-1.999999 s', '-1 year'), (3, '720 hours', NULL, NULL),
  (4, '-178000000 years', '1 day -00:00:00.005', '0'), (5, '178000000 years 11 mons 31 days 23:59:59.999999', '0', '1 mon');
-- repeat 200
INSERT INTO t SELECT {n} + 5, i, p, f FROM t WHERE id = {1..5};
