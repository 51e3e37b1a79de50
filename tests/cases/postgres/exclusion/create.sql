CREATE TABLE t (id int PRIMARY KEY, during int4range, v int,
  EXCLUDE USING gist (during WITH &&),
  CONSTRAINT mirrored EXCLUDE USING gist ((int4range(1000000 - upper(during), 1000000 - lower(during))) WITH &&) WHERE (v >= 0) DEFERRABLE INITIALLY DEFERRED);
-- repeat 150
INSERT INTO t VALUES ({n}, int4range({n} * 10, {n} * 10 + 10), {n});
