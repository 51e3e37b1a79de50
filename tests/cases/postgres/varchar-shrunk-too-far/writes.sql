UPDATE t SET v = 'w' WHERE id = {1..150};
