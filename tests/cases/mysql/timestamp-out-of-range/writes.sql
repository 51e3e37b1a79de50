UPDATE t SET dt = '2024-01-01' WHERE id = {1..150};
