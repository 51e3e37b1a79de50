CREATE EXTENSION btree_gist;
CREATE TABLE t (id int, during daterange, v int, PRIMARY KEY (id, during WITHOUT OVERLAPS));
INSERT INTO t VALUES (1, '[2024-01-01,2024-02-01)', 1), (1, '[2024-02-01,2024-03-01)', 2);
