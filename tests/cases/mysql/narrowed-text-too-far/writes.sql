UPDATE t SET v = '{1..150}' WHERE id = {1..150};
