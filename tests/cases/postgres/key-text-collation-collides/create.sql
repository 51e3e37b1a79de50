CREATE COLLATION any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE t (name text PRIMARY KEY, v int);
INSERT INTO t VALUES ('twice', 1), ('TWICE', 2);
-- repeat 150
INSERT INTO t VALUES ('key {n}', {n});
