INSERT INTO t VALUES (1000 + {n}, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);
UPDATE t SET a = {0|NULL|1234|99999}, b = {0..999}, c = {0|7|99999}, i = {0|1.5}, j = {0.75|NULL}, k = {0..99999} WHERE id = {1..60};
UPDATE t SET id = 5000 + {n} WHERE id = {1..60};
DELETE FROM t WHERE id = {1..60};
