UPDATE t SET v = v + 1 WHERE a = {1..150};
