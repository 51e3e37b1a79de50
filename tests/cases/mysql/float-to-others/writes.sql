INSERT INTO t VALUES (1000 + {n}, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.5, 1.5, 2.5, 0.1, 0.1, 12, 0.125, 0.1);
UPDATE t SET a = {1e-10|-3.4e38|1e20|NULL|0}, b = {1e-10|-3.4e38|0.3|NULL}, c = {0.7|1e15}, d = {-0.7|1e15}, e = {0.1|NULL}, g = {0.5|1.5|2.5|-0.5} WHERE id = {1..60};
UPDATE t SET h = {0.5|1.5|2.5|NULL}, i = {0.5|1.5|69.5|70|NULL}, j = {0.5|NULL|12.3456}, k = {1e-10|-0.1|NULL}, m = {0.1|NULL|12.5} WHERE id = {1..60};
DELETE FROM t WHERE id = {1..60};
