CREATE TABLE t (i inet, m macaddr, v int, PRIMARY KEY (i, m));
INSERT INTO t VALUES ('::', '00:00:00:00:00:00', 1), ('10.0.0.1/8', 'ff:ff:ff:ff:ff:ff', 2), ('10.0.0.1', 'ff:ff:ff:ff:ff:ff', 3);
-- repeat 150
INSERT INTO t VALUES (inet '10.1.0.0' + {n}, '08:00:2b:01:02:03', {n});
