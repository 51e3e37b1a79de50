UPDATE t SET v = v + 1 WHERE id IN (0, 'NaN', '1e-45', 'Infinity');
UPDATE t SET v = v + 1 WHERE id = ({1..150} / 7.0)::float4;
UPDATE t SET id = -id WHERE id = ({1..150} / 7.0)::float4;
INSERT INTO t VALUES (1000 + {n} / 3.0, {n}) ON CONFLICT DO NOTHING;
DELETE FROM t WHERE id = ({1..150} / 7.0)::float4;
