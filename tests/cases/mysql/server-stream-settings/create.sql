CREATE TABLE t (id INT UNSIGNED, k VARCHAR(20) COLLATE latin1_swedish_ci, v INT, PRIMARY KEY (k, id));
-- repeat 150
INSERT INTO t VALUES ({n}, 'é{n}', {n});
