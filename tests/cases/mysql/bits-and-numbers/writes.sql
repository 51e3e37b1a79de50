UPDATE t SET b = ~b, i = {0..65535}, y = {1901..2155}, ye = {1901..2155} WHERE id = {1..150};
INSERT INTO t VALUES (1000 + {n}, 0, 0, 0, 0, NULL, NULL);
DELETE FROM t WHERE id = {1..150};
