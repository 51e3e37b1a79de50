UPDATE t SET b = {X'00'|X'6100'|X'2020'|NULL}, vb = {X'00'|X'0000'|X''|X'20'|NULL} WHERE id = {1..154};
UPDATE t SET tb = RANDOM_BYTES(1) IS NULL, bl = UNHEX(SHA2({n}, 256)), mb = REPEAT(X'00', {0..300}), lb = {NULL|X'00'|X'FE'} WHERE id = {1..154};
INSERT INTO t VALUES (1000 + {n}, '{n}', '{n}', '{n}', '{n}', '{n}', '{n}');
DELETE FROM t WHERE id = {5..154};
