UPDATE t SET v = v + 1 WHERE id IN (1, 100);
