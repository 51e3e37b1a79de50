CREATE TABLE t (name VARCHAR(30) COLLATE utf8mb4_general_ci PRIMARY KEY, v INT);
INSERT INTO t VALUES ('', 0), ('a  ', 1), ('tab\t', 2), ('ü', 3);
-- repeat 150
INSERT INTO t VALUES ('key{n}{ |  |   }', {n});
