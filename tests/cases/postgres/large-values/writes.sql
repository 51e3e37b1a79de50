UPDATE t SET small = small + 1 WHERE id = {1..40};
UPDATE t SET small = small + 1 WHERE id BETWEEN {1..20} AND 30;
UPDATE t SET big = big || 'x' WHERE id = {1..40};
UPDATE t SET outside = NULL, plainly = repeat('q', {1..9000}) WHERE id = {1..40};
INSERT INTO t (id, big) VALUES (1000 + {n}, repeat('漢😀', {1..20000}));
DELETE FROM t WHERE id = 1000 + {n} - 7;
UPDATE t SET id = id + 100000 WHERE id = 1000 + {n} - 13;
