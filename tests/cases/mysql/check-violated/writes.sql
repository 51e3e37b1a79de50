UPDATE t SET age = age + 1 WHERE id = {1..150};
