CREATE TABLE t (id INT, e ENUM('x','y','z'), v INT, PRIMARY KEY (id, e));
-- repeat 60
INSERT INTO t VALUES ({n}, {n} % 4, {n});
