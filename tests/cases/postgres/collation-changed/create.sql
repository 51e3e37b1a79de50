CREATE TABLE t (id int PRIMARY KEY, name text COLLATE "POSIX" UNIQUE, free text);
CREATE INDEX ON t (name DESC, id);
-- repeat 150
INSERT INTO t VALUES ({n}, '{ä|a|Z|z}{n}', 'x');
