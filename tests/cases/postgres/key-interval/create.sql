CREATE TABLE t (i interval PRIMARY KEY, v int);
INSERT INTO t VALUES ('1 mon', 1), ('0', 2), ('-1 year 5 days', 3), ('178000000 years', 4);
-- repeat 150
INSERT INTO t VALUES ('{n} hours 0.{1..999999} s', {n});
