UPDATE t SET v = {1..99} WHERE id = {1..150};
