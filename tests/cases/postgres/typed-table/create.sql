CREATE TYPE pair AS (id int, v int);
CREATE TABLE t OF pair (PRIMARY KEY (id));
INSERT INTO t VALUES (1, 1);
