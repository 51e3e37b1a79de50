CREATE FUNCTION three() RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 3';
CREATE TABLE t (id int PRIMARY KEY, a int DEFAULT 1, b int DEFAULT three(), c varchar(9) DEFAULT 'it''s', d int DEFAULT three() * 2);
-- repeat 150
INSERT INTO t (id, a) VALUES ({n}, {NULL|5});
