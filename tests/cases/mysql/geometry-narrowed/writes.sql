UPDATE t SET g = ST_GeomFromText('POINT({-89..89} {-179..179})', 4326) WHERE id = {1..150};
INSERT INTO t VALUES (1000 + {n}, ST_GeomFromText('POINT(1 1)', 4326));
DELETE FROM t WHERE id = {1..150};
