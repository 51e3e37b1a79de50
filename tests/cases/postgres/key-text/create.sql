CREATE TABLE t (name text PRIMARY KEY, v int);
INSERT INTO t VALUES ('', 0), (' ', 1), ('it''s', 2), (E'a\\b\\', 3), ('NULL', 4), ('😀', 5), (E'tab\tline\n', 6), ('{a,b}', 7), ('$1 %s', 8), (repeat('é', 600), 9);
-- repeat 150
INSERT INTO t VALUES ('key {n}', {n});
