CREATE DOMAIN number AS int CHECK (VALUE <> 13);
CREATE DOMAIN code AS text CHECK (VALUE ~ '^[a-z'' ]*$');
CREATE TABLE t (n number, c code, v int, PRIMARY KEY (n, c));
INSERT INTO t VALUES (-5, '', 1), (2147483647, 'o''c', 2);
-- repeat 150
INSERT INTO t VALUES ({n} + 13, 'a b', {n});
