CREATE SEQUENCE shared START 500;
CREATE TABLE t (id serial PRIMARY KEY, place bigserial, n int DEFAULT nextval('shared'), v int);
ALTER SEQUENCE t_place_seq INCREMENT BY -3 MINVALUE -1000000 MAXVALUE 10 START 10 RESTART CACHE 2;
GRANT USAGE ON SEQUENCE t_id_seq TO alice;
COMMENT ON SEQUENCE t_id_seq IS 'numbers';
CREATE TABLE other (n int DEFAULT nextval('t_id_seq'));
-- repeat 150
INSERT INTO t (v) VALUES ({n});
