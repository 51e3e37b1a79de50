CREATE TABLE t (id int PRIMARY KEY, v int);
CREATE FUNCTION add_one(k int) RETURNS void LANGUAGE plpgsql AS $$ BEGIN UPDATE t SET v = v + 1 WHERE id = k; END $$;
CREATE FUNCTION put(k int) RETURNS void LANGUAGE sql AS 'INSERT INTO t (id, v) VALUES ($1, 1)';
-- repeat 150
INSERT INTO t VALUES ({n}, {n});
