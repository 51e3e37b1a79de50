UPDATE t SET v = {1..50} WHERE id = {1..150};
