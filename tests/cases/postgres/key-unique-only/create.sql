CREATE TABLE t (v int, name varchar(20) NOT NULL, n int NOT NULL, spare int UNIQUE);
CREATE UNIQUE INDEX t_key ON t (name, n);
ALTER TABLE t REPLICA IDENTITY USING INDEX t_key;
-- repeat 200
INSERT INTO t VALUES ({n}, 'a{n}', {1|2}, {n});
