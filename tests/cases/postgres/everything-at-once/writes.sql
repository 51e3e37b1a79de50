UPDATE t SET amount = amount + 1, tags = tags || ARRAY['x'] WHERE id = {1..150} AND cardinality(tags) < 20;
INSERT INTO t (region, code, amount, up) VALUES ({1..20}, 'new{n}', {n}, {1|2|NULL});
INSERT INTO child (t_id) SELECT max(id) FROM t;
DELETE FROM t WHERE id = {10..150};
UPDATE t SET id = id + 100000 WHERE id = {10..150};
UPDATE t SET code = 'c{n}x', region = {1..20} WHERE id = {1..150};
DELETE FROM p WHERE id = {16..20};
