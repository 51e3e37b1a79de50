CREATE TABLE t (name text COLLATE "de-x-icu" PRIMARY KEY, v int);
INSERT INTO t VALUES ('Ärger', 1), ('arger', 2), ('straße', 3), ('strasse', 4), ('😀', 5), ('', 6), ('-', 7);
-- repeat 150
INSERT INTO t VALUES ('{ä|a|Ä|A|ß}-{n}', {n});
