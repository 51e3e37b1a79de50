UPDATE t SET p = ST_GeomFromText('POINT({-89..89} {-179..179})', 4326), g = {NULL|ST_GeomFromText('POINT(1 2)')|ST_GeomFromText('POINT(1 2)', 4326)} WHERE id = {1..102};
INSERT INTO t (id, p, g) VALUES (1000 + {n}, ST_GeomFromText('POINT(1 {0..9})', 4326), POINT(-0.0, {n}));
DELETE FROM t WHERE id = {3..102};
