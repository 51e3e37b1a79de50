CREATE COLLATION any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE t (name text COLLATE any_case PRIMARY KEY, v int);
INSERT INTO t VALUES ('', 0), ('Ärger', 1), ('straße', 2), ('😀', 3), ('NULL', 4), ('a''b\\c', 5);
-- repeat 150
INSERT INTO t VALUES ('{Key|KEY|key} {n}', {n});
