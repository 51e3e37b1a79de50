UPDATE t SET v = {1..999} WHERE id = {1..150};
