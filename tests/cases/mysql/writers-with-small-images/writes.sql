UPDATE t SET v = v + 1 WHERE code = {1..150};
