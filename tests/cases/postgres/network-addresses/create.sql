CREATE TABLE t (id int PRIMARY KEY, i inet, c cidr, m macaddr, m8 macaddr8, kept cidr);
INSERT INTO t VALUES
  (1, '192.168.0.1/24', '192.168.0.0/24', '08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05', '0.0.0.0/0'),
  (2, '::ffff:1.2.3.4/128', '::/0', 'ff:ff:ff:ff:ff:ff', 'ff:ff:ff:ff:ff:ff:ff:ff', '2001:db8::/32'),
  (3, '0.0.0.0', '10.1.2.3/32', '00:00:00:00:00:00', '00:00:00:00:00:00:00:00', '10/8'), (4, NULL, NULL, NULL, NULL, NULL);
-- repeat 200
INSERT INTO t SELECT {n} + 4, i, c, m, m8, kept FROM t WHERE id = {1..4};
