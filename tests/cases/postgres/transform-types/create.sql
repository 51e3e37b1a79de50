CREATE TABLE t (id int PRIMARY KEY, n int, price numeric, at timestamptz, doc jsonb);
-- repeat 150
INSERT INTO t VALUES ({n}, {1..9}, {0.5|1.25|NULL}, {'infinity'|'2024-03-31 23:59:59.999999+00'|'-infinity'|NULL}, '["b", "a{n}"]');
