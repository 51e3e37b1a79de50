CREATE TABLE t (id int PRIMARY KEY, v int, w int);
CREATE TABLE other (id int PRIMARY KEY);
CREATE PUBLICATION part FOR TABLE t (id, v) WHERE (id > 5), other WITH (publish = 'insert, update');
CREATE PUBLICATION plainly FOR TABLE t;
CREATE PUBLICATION by_schema FOR TABLES IN SCHEMA public;
ALTER PUBLICATION plainly OWNER TO alice;
COMMENT ON PUBLICATION part IS 'some of it';
-- repeat 150
INSERT INTO t VALUES ({n}, {n}, {n});
