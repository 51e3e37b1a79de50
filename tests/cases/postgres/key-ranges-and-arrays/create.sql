CREATE TABLE t (r int4range, a text[], v int, PRIMARY KEY (r, a));
INSERT INTO t VALUES ('empty', '{}', 1), ('(,)', '{NULL,"NULL"}', 2), ('[1,2)', '[0:0]={"it''s, \"so\""}', 3);
-- repeat 150
INSERT INTO t VALUES (int4range({n}, {n} + 5), ARRAY['a{n}', 'b c'], {n});
