CREATE TABLE p (id int PRIMARY KEY, big bigint UNIQUE);
INSERT INTO p SELECT n, n FROM generate_series(1, 50) n;
CREATE TABLE t (id int PRIMARY KEY, v int, w int CONSTRAINT kept REFERENCES p (big), o int CONSTRAINT old REFERENCES p);
-- repeat 150
INSERT INTO t VALUES ({n}, {1..50}, {1..50}, {1..50});
