UPDATE t SET code = code + 1000000 WHERE id = {1..150};
