UPDATE t SET name = '{Ada Lovelace|Zoë van der Berg|Plato| |A  B}{n}' WHERE id = {1..150};
INSERT INTO t VALUES (1000 + {n}, 'New {n}');
DELETE FROM t WHERE id = {1..150};
